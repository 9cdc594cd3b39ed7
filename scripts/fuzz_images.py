"""Mix damaged and odd image files, made from real ones, into a folder of good ones, and rank on it.

The run must end well; every file must be either in the features or in the list of skipped files
with its reason; what was decoded must equal Pillow's own decoding; memory must stay bounded.

    python scripts/fuzz_images.py                       # 1,000 odd files among 3,000 good ones
    python scripts/fuzz_images.py --good 90 --odd 60 --model random:test_resnet
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from PIL import Image, ImageOps

import featrank.targets
from featrank.targets import MAX_PIXELS, UnreadableImage
from featrank.targets._decode import to_rgb
from featrank.targets._file_names import printable

CLIPART = Path(featrank.targets.__file__).parent / "data" / "clipart.parquet"
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

Maker = Callable[[random.Random, Image.Image, bytes], bytes]


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_of(width: int, height: int, body: bytes) -> bytes:
    header = _png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _png_chunk(b"IDAT", body) + _png_chunk(b"IEND", b"")


def _flipped(rng: random.Random, _: Image.Image, data: bytes) -> bytes:
    damaged = bytearray(data)
    for __ in range(rng.randint(1, 40)):
        damaged[rng.randrange(len(damaged))] = rng.randrange(256)
    return bytes(damaged)


def _flipped_header(rng: random.Random, _: Image.Image, data: bytes) -> bytes:
    damaged = bytearray(data)
    for __ in range(rng.randint(1, 6)):
        damaged[rng.randrange(min(64, len(damaged)))] = rng.randrange(256)
    return bytes(damaged)


def _truncated_in(kind: str) -> Maker:
    def make(rng: random.Random, image: Image.Image, _: bytes) -> bytes:
        data = _encoded(image, kind)
        return data[: rng.randrange(1, len(data))]

    return make


def _in_format(kind: str, mode: str = "RGB", **options: object) -> Maker:
    return lambda rng, image, data: _encoded(image.convert(mode), kind, **options)


def _rotated(rng: random.Random, image: Image.Image, _: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = rng.randint(0, 9)
    return _encoded(image, rng.choice(["JPEG", "PNG", "TIFF"]), exif=exif)


def _animated(rng: random.Random, image: Image.Image, _: bytes) -> bytes:
    frames = [image.rotate(90 * turn) for turn in range(1, 3)]
    return _encoded(image, rng.choice(["GIF", "WEBP", "PNG"]), save_all=True, append_images=frames)


def _sixteen_bits(rng: random.Random, image: Image.Image, _: bytes) -> bytes:
    grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
    return _encoded(Image.fromarray(grey), rng.choice(["PNG", "TIFF"]))


def _floats(_: random.Random, image: Image.Image, __: bytes) -> bytes:
    return _encoded(
        Image.fromarray(np.asarray(image.convert("L")).astype(np.float32) / 255), "TIFF"
    )


def _small(rng: random.Random, image: Image.Image, _: bytes) -> bytes:
    return _encoded(image.resize((rng.choice([1, 1, 2]), rng.choice([1, 3]))), "PNG")


def _strip(rng: random.Random, image: Image.Image, _: bytes) -> bytes:
    length = rng.randint(200, 60_000)
    return _encoded(image.resize(rng.choice([(1, length), (length, 1)])), "PNG")


def _huge(rng: random.Random, _: Image.Image, __: bytes) -> bytes:
    width = rng.choice([8_000, 9_000, 12_000])  # the last is more than is allowed
    return _encoded(Image.new("L", (width, 9_000), rng.randrange(256)), "PNG")


def _bomb(rng: random.Random, _: Image.Image, __: bytes) -> bytes:
    side = rng.choice([20_000, 65_000, 2**31 - 1])
    return _png_of(side, side, zlib.compress(bytes(10_000)))


def _glued(rng: random.Random, _: Image.Image, data: bytes) -> bytes:
    return data + rng.randbytes(rng.randint(1, 5_000))


MAKERS: dict[str, Maker] = {
    "flipped": _flipped,
    "flipped header": _flipped_header,
    "empty": lambda rng, image, data: b"",
    "noise": lambda rng, image, data: rng.randbytes(rng.randint(1, 5_000)),
    "text": lambda rng, image, data: b"<html>not an image</html>" * rng.randint(1, 50),
    "cut png": _truncated_in("PNG"),
    "cut jpeg": _truncated_in("JPEG"),
    "cut gif": _truncated_in("GIF"),
    "cut webp": _truncated_in("WEBP"),
    "cut tiff": _truncated_in("TIFF"),
    "bomb": _bomb,
    "huge": _huge,
    "small": _small,
    "strip": _strip,
    "rotated": _rotated,
    "animated": _animated,
    "16 bits": _sixteen_bits,
    "floats": _floats,
    "cmyk": _in_format("JPEG", "CMYK"),
    "palette": _in_format("PNG", "P"),
    "one bit": _in_format("TIFF", "1"),
    "grey and alpha": _in_format("PNG", "LA"),
    "lab": _in_format("TIFF", "LAB"),
    "bmp": _in_format("BMP"),
    "tga": _in_format("TGA"),
    "ppm": _in_format("PPM"),
    "eps": _in_format("EPS"),
    "progressive": _in_format("JPEG", progressive=True),
    "glued": _glued,
}
# Each costs a quarter of a gigabyte to decode.
RARE = {"huge": 40}
SUFFIXES = ("png", "jpg", "JPEG", "gif", "webp", "tif", "bmp")
ODD_NAMES = (
    "new\nline {}", 'quote"s\' {}', "\x1b[31mred {}", "-rf {}", "a,b;c {}", "$(touch x) {}",
    "<script>alert({})</script>".replace("/", "∕"), "tab\t{}", "%s%n {}", "{} ü" + "ü" * 100,
)  # fmt: skip


def write_odd(root: Path, sources: list[bytes], n: int, rng: random.Random) -> dict[str, str]:
    """Odd files under the classes of ``root``: their kinds by path as it is shown."""
    kinds: dict[str, str] = {}
    classes = sorted(folder.name for folder in root.iterdir())
    names = sorted(MAKERS)
    for i in range(n):
        kind = names[i % len(names)]
        if kind in RARE and i // len(names) % RARE[kind]:
            kind = "flipped"
        data = rng.choice(sources)
        with Image.open(io.BytesIO(data)) as image:
            content = MAKERS[kind](rng, image.convert("RGB"), data)
        stem = rng.choice(ODD_NAMES).format(i) if rng.random() < 0.3 else f"odd {i}"
        name = f"{stem}.{rng.choice(SUFFIXES)}"
        if rng.random() < 0.05:
            name = os.fsdecode(f"{i} ".encode() + b"\xff\xfe.png")
        path = root / rng.choice(classes) / name
        path.write_bytes(content)
        kinds[printable(path.relative_to(root).as_posix())] = kind
    return kinds | write_links(root / classes[0])


def write_links(folder: Path) -> dict[str, str]:
    """What is no regular file: none of it may be read."""
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "broken.png").symlink_to("nowhere.png")
    (folder / "outside.png").symlink_to("/etc/hostname")
    (folder / "back").symlink_to("..")
    os.mkfifo(folder / "fifo.png")
    made = ["loop.png", "broken.png", "outside.png", "back", "fifo.png"]
    if os.geteuid():
        (folder / "secret.png").write_bytes(b"x")
        (folder / "secret.png").chmod(0)
        made.append("secret.png")
    return {f"{folder.name}/{name}": "link" for name in made}


def write_good(root: Path, sources: list[tuple[str, bytes]], n: int) -> None:
    """``n`` good files that all differ: real ones, mirrored and turned where they run out."""
    for i in range(n):
        name, data = sources[i % len(sources)]
        turn = i // len(sources)
        if turn:
            data = _encoded(to_rgb(data).rotate(7 * turn, fillcolor="white"), "PNG")
        path = root / name / f"{i:05}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def pillows_own(path: Path) -> Image.Image | None:
    """The picture as Pillow gives it: first frame, upright, 8 bits, on white; None for an error."""
    try:
        with Image.open(path) as image:
            image.load()
            if image.mode.startswith("I;16"):
                grey = np.rint(np.asarray(image).astype(np.float64) / 257)
                return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
            if image.mode in ("I", "F"):
                values = np.asarray(image).astype(np.float64)
                low, high = values.min(), values.max()
                low, high = (0, 65_535) if image.mode == "I" and low >= 0 else (low, high)
                grey = np.rint((values - low) / ((high - low) or 1) * 255)
                return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
            upright = _upright_of(image)
            if not image.has_transparency_data:
                return upright.convert("RGB")
            white = Image.new("RGBA", upright.size, "white")
            return Image.alpha_composite(white, upright.convert("RGBA")).convert("RGB")
    except Exception:
        return None


def _upright_of(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF data: the picture is as it is
        return image


def compare(root: Path, kinds: dict[str, str], skipped: dict[str, str]) -> Counter[str]:
    """Check every odd file's fate against Pillow.

    Raises:
        SystemExit: One was decoded to something else, or is missing without a reason.
    """
    fates: Counter[str] = Counter()
    real = {printable(p.relative_to(root).as_posix()): p for p in root.rglob("*")}
    for path, kind in kinds.items():
        if path in skipped:
            fates[f"{kind}: skipped"] += 1
            if not skipped[path]:
                raise SystemExit(f"{path} ({kind}) was skipped without a reason")
            continue
        if kind == "link":
            raise SystemExit(f"{path} is no regular file and was not skipped")
        expected = pillows_own(real[path])
        try:
            decoded = to_rgb(real[path])
        except UnreadableImage as error:
            raise SystemExit(f"{path} ({kind}): {error}, and yet it was not skipped") from error
        if expected is None or decoded.tobytes() != expected.tobytes():
            raise SystemExit(f"{path} ({kind}) is not what Pillow decodes")
        fates[f"{kind}: decoded as Pillow does"] += 1
    for path, reason in skipped.items():
        refused = ("oversized", "too elongated", "not an image in a format", "link", "not a reg")
        if path not in kinds:
            raise SystemExit(f"the good file {path} was skipped: {reason}")
        regular = real[path].is_file() and not real[path].is_symlink()
        if regular and not reason.startswith(refused) and os.access(real[path], os.R_OK):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if pillows_own(real[path]) is not None:
                    raise SystemExit(f"Pillow reads {path}, which was skipped: {reason}")
    return fates


def run(given: argparse.Namespace, root: Path, scratch: Path) -> dict[str, Any]:
    """Rank on the folder in a process of its own; its result document."""
    result = scratch / "result.json"
    command = [
        *(sys.executable, "-m", "featrank", "rank", "--dataset", str(root)),
        *("--models", given.model, "--workers", str(given.workers), "--allow-skipped"),
        *("--cache-dir", str(given.cache_dir or scratch / "cache"), "--cache", "refresh"),
        *("-o", str(result)),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"exit {ended.returncode}: {ended.stderr}")
    document: dict[str, Any] = json.loads(result.read_text())
    return document


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--good", type=int, default=3000)
    parser.add_argument("--odd", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="tf_efficientnet_lite0")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cache-dir", type=Path, help="a cache that holds timm's index already")
    parser.add_argument("--max-memory", type=float, default=4.0, help="gigabytes of any process")
    given = parser.parse_args()
    warnings.simplefilter("ignore")

    rows = pq.ParquetFile(CLIPART).read().to_pylist()
    sources = [(row["class_name"], row["image"]) for row in rows]
    rng = random.Random(given.seed)
    rng.shuffle(sources)
    with tempfile.TemporaryDirectory(prefix="featrank-fuzz-") as name:
        scratch = Path(name)
        root = scratch / "images"
        root.mkdir()
        write_good(root, sources, given.good)
        kinds = write_odd(root, [data for _, data in sources], given.odd, rng)
        content = sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in _regular_files(root))
        started = time.monotonic()
        document = run(given, root, scratch)
        seconds = time.monotonic() - started
        skipped = {item["path"]: item["reason"] for item in document["skipped"]}
        n_scored = document["target"]["n_images"]
        if n_scored + len(skipped) != given.good + len(kinds):
            raise SystemExit(f"{n_scored} scored and {len(skipped)} skipped: some are missing")
        fates = compare(root, kinds, skipped)
        after = sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in _regular_files(root))
        if content != after:
            raise SystemExit("a file was changed")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    for fate in sorted(fates):
        print(f"{fates[fate]:5} {fate}")
    print(
        f"{given.good} good and {len(kinds)} odd files: {n_scored} scored, {len(skipped)} skipped"
        f" with a reason, none wrong; {seconds:.0f} s, at most {peak:.1f} GiB in one process"
    )
    if peak > given.max_memory:
        raise SystemExit(f"more than {given.max_memory} GiB")


def _regular_files(root: Path) -> list[Path]:
    return [
        path
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK)
    ]


if __name__ == "__main__":
    _main()
