"""Make featrank/targets/data/clipart.parquet from the Debian package openclipart-png.

The same package, seed and library versions give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps

from featrank.targets import UnreadableImage
from featrank.targets._decode import to_rgb

CLASSES = ("animals", "buildings", "food", "people", "tools", "transportation")
# What does not show its class or belongs in no demonstration; one file is an error message.
LEFT_OUT = frozenset(
    {
        "buildings/furniture",
        "people/bodypart",
        "people/clothing",
        "people/samoa_tatoo_pattern_.png",
        "people/sexy_lady_01.png",
        "people/smilies",
        "people/stylized_yoga_person_ger_03.png",
        "tools/weapons",
        "transportation/aiga-symbols",
        "transportation/roadsigns",
    }
)
SIDE = 160
MIN_INK = 0.03  # the fraction of pixels that must differ from white, or the picture is near blank
OUTPUT = Path(__file__).parents[1] / "featrank" / "targets" / "data" / "clipart.parquet"


def square(image: Image.Image) -> Image.Image:
    """Fit an image into the square, centred on white, without its white margins."""
    drawing = image.crop(ImageOps.invert(image).getbbox())
    fitted = ImageOps.contain(drawing, (SIDE, SIDE), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", (SIDE, SIDE), "white")
    canvas.paste(fitted, ((SIDE - fitted.width) // 2, (SIDE - fitted.height) // 2))
    return canvas


def has_ink(image: Image.Image) -> bool:
    """Whether enough of the picture is not white."""
    return float((np.asarray(image.convert("L")) < 240).mean()) >= MIN_INK


def encode(image: Image.Image) -> bytes:
    """As WebP without loss."""
    stream = io.BytesIO()
    image.save(stream, "WEBP", lossless=True, quality=100, method=6)
    return stream.getvalue()


def candidates(source: Path, class_name: str, seed: int) -> list[str]:
    """A class's files, relative to the source, in seeded order."""
    files = sorted(path.relative_to(source) for path in source.joinpath(class_name).rglob("*.png"))
    names = [
        file.as_posix()
        for file in files
        if LEFT_OUT.isdisjoint(part.as_posix() for part in (file, *file.parents))
    ]
    random.Random(f"{seed}:{class_name}").shuffle(names)
    return names


def usable(source: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """The files that show something, encoded."""
    for name in names:
        try:
            image = square(to_rgb(source / name))
        except UnreadableImage:
            continue
        if has_ink(image):
            yield name, encode(image)


def choose(source: Path, per_class: int, seed: int) -> list[dict[str, str | bytes]]:
    """The rows: for every class the first images that no other row has."""
    rows: list[dict[str, str | bytes]] = []
    seen: set[str] = set()
    for class_name in CLASSES:
        wanted = len(rows) + per_class
        for path, image in usable(source, candidates(source, class_name, seed)):
            sha256 = hashlib.sha256(image).hexdigest()
            if sha256 in seen:
                continue
            seen.add(sha256)
            rows.append({"path": path, "class_name": class_name, "image": image, "sha256": sha256})
            if len(rows) == wanted:
                break
        else:
            raise SystemExit(f"{source / class_name}: fewer than {per_class} usable images")
    return sorted(rows, key=lambda row: str(row["path"]))


def main() -> None:
    """Choose, write, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the package's folder share/openclipart/png")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--per-class", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    rows = choose(options.source, options.per_class, options.seed)
    columns = [
        ("path", pa.string()),
        ("class_name", pa.string()),
        ("image", pa.binary()),
        ("sha256", pa.string()),
    ]
    # The images are compressed already.
    pq.write_table(
        pa.Table.from_pylist(rows, pa.schema(columns)), options.output, compression="none"
    )
    print(f"{options.output}: {len(rows)} images, {options.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
