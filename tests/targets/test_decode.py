"""Every kind of image a user may have, and every way a file can be bad."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from featrank.targets import MAX_PIXELS, UnreadableImage
from featrank.targets import _decode as decode
from featrank.targets._decode import IMAGE_SUFFIXES, REFUSED_FORMATS, image_to_rgb, to_rgb
from featrank.targets._value_range import FLOAT, Reading


def encode(image: Image.Image, suffix: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, suffix, **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """One part of a PNG file."""
    crc = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def pixels(image: Image.Image) -> np.ndarray:
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.fixture
def picture() -> Image.Image:
    """No symmetry, so that a wrong turn shows."""
    values = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.mark.parametrize("wrap", [lambda path: path, Path.read_bytes, lambda path: path.open("rb")])
def test_sources(picture: Image.Image, tmp_path: Path, wrap: Callable[[Path], bytes]) -> None:
    path = tmp_path / "a.png"
    picture.save(path)
    assert np.array_equal(pixels(to_rgb(wrap(path))), picture)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation(picture: Image.Image, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(picture, suffix, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        expected = ImageOps.exif_transpose(image)
    assert to_rgb(data).size == ((5, 7) if orientation > 4 else (7, 5))
    assert np.array_equal(pixels(to_rgb(data)), expected)


def test_rotated_photo_is_upright() -> None:
    upright = Image.new("RGB", (16, 32), "white")
    upright.paste((200, 0, 0), (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    result = to_rgb(encode(stored, "JPEG", quality=100, subsampling=0, exif=exif))
    difference = np.abs(pixels(result).astype(int) - np.asarray(upright))
    assert difference.max() <= 3


def test_damaged_exif_is_ignored(picture: Image.Image) -> None:
    data = encode(picture, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert to_rgb(data).size == picture.size


def test_rgba_on_white() -> None:
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    assert pixels(to_rgb(encode(image)))[0].tolist() == [[255] * 3, [127] * 3]


def test_grey_with_alpha_on_white() -> None:
    image = Image.new("LA", (2, 1), (0, 0))
    image.putpixel((1, 0), (40, 255))
    assert pixels(to_rgb(encode(image)))[0].tolist() == [[255] * 3, [40] * 3]


@pytest.mark.parametrize("transparency", [0, b"\x00\xff"])
def test_palette_with_transparency_on_white(transparency: int | bytes) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((1, 0), 1)
    data = encode(image, transparency=transparency)
    assert pixels(to_rgb(data))[0].tolist() == [[255] * 3, [10, 20, 30]]


def test_palette_with_alpha_on_white() -> None:
    image = Image.new("RGBA", (2, 1), (10, 20, 30, 0))
    image.putpixel((1, 0), (10, 20, 30, 255))
    with Image.open(io.BytesIO(encode(image, "TIFF"))) as stored:
        stored.load()
        flat = decode._flatten(stored.convert("PA"))
    assert pixels(flat)[0, 0].tolist() == [255] * 3


@pytest.mark.parametrize(
    ("mode", "transparent", "other"), [("RGB", (1, 2, 3), (4, 5, 6)), ("L", 7, 9), ("1", 0, 255)]
)
def test_transparent_colour_on_white(mode: str, transparent: object, other: object) -> None:
    image = Image.new(mode, (2, 1), transparent)
    image.putpixel((1, 0), other)
    expected = other if isinstance(other, tuple) else (other,) * 3
    result = pixels(to_rgb(encode(image, transparency=transparent)))
    assert result[0].tolist() == [[255] * 3, list(expected)]


def test_sixteen_bit_transparent_grey_on_white() -> None:
    data = encode(Image.fromarray(np.array([[0, 257]], dtype=np.uint16)))
    end_of_header = 33
    data = data[:end_of_header] + chunk(b"tRNS", struct.pack(">H", 0)) + data[end_of_header:]
    assert pixels(to_rgb(data))[0, :, 0].tolist() == [255, 1]


def test_cmyk() -> None:
    data = encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100)
    assert np.abs(pixels(to_rgb(data)).astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("mode", ["L", "1", "P", "YCbCr", "LAB", "RGB"])
def test_other_modes(mode: str) -> None:
    assert pixels(to_rgb(encode(Image.new(mode, (3, 2)), "TIFF"))).shape == (2, 3, 3)


def test_one_bit_keeps_black_and_white() -> None:
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert pixels(to_rgb(encode(image)))[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("suffix", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_scaled(suffix: str) -> None:
    values = np.array([[0, 257, 300, 32_896, 65_535]], dtype=np.uint16)
    result = pixels(to_rgb(encode(Image.fromarray(values), suffix)))
    assert result[0, :, 0].tolist() == [0, 1, 1, 128, 255]


def test_sixteen_bit_big_endian() -> None:
    values = np.array([[0, 65_535, 257 * 100]], dtype=">u2")
    image = Image.frombytes("I;16B", (3, 1), values.tobytes())
    assert pixels(image_to_rgb(image))[0, :, 0].tolist() == [0, 255, 100]


def test_floats_without_a_white_are_refused() -> None:
    values = np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)
    with pytest.raises(UnreadableImage, match="nothing declares which is white"):
        to_rgb(encode(Image.fromarray(values), "TIFF"))
    given = Reading({FLOAT: (-1.0, 1.0)})
    result = pixels(to_rgb(encode(Image.fromarray(values), "TIFF"), given))
    assert result[0, :, 0].tolist() == [0, 128, 255]


def test_floats_that_are_not_finite() -> None:
    values = np.array([[np.nan, 0.0, 1.0, np.inf, -np.inf]], dtype=np.float32)
    result = pixels(to_rgb(encode(Image.fromarray(values), "TIFF")))
    assert result[0, :, 0].tolist() == [0, 0, 255, 255, 0]
    constant = np.full((2, 2), np.nan, dtype=np.float32)
    assert not pixels(to_rgb(encode(Image.fromarray(constant), "TIFF"))).any()


@pytest.mark.parametrize("suffix", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame(suffix: str) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    options = {"lossless": True} if suffix == "WEBP" else {}
    data = encode(frames[0], suffix, save_all=True, append_images=frames[1:], **options)
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 3
    assert pixels(to_rgb(data))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("suffix", ["BMP", "GIF", "ICO", "PCX", "PPM", "SGI", "TGA", "QOI", "WEBP"])
def test_other_formats(suffix: str, picture: Image.Image) -> None:
    if suffix not in Image.registered_extensions().values() or suffix not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {suffix}")
    assert to_rgb(encode(picture.resize((32, 32)), suffix)).size == (32, 32)


def reason(source: Path | bytes) -> str:
    with pytest.raises(UnreadableImage) as caught:
        to_rgb(source)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.__cause__ is None
    return text


def test_zero_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert reason(tmp_path / "a.png") == "empty file"


@pytest.mark.parametrize(
    "data", [b"not an image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a"]
)
def test_no_image(data: bytes) -> None:
    assert reason(data)


def test_a_pointer_is_named_with_what_fetches_it() -> None:
    with pytest.raises(UnreadableImage, match="git lfs pull fetches it"):
        to_rgb(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n")


def test_text_with_an_image_suffix(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello")
    assert reason(tmp_path / "a.jpg") == "not an image in a format that is read"


def test_wrong_suffix_is_read_by_content(tmp_path: Path, picture: Image.Image) -> None:
    picture.save(tmp_path / "a.jpg", "PNG")
    assert np.array_equal(pixels(to_rgb(tmp_path / "a.jpg")), picture)


def test_missing_file(tmp_path: Path) -> None:
    assert reason(tmp_path / "a.png") == (
        "cannot be read: FileNotFoundError: No such file or directory"
    )


@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM"])
def test_truncated(suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), suffix)
    assert reason(data[: len(data) // 2])


@pytest.mark.parametrize("suffix", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "TGA", "ICO"])
def test_damage_gives_a_picture_or_a_reason(suffix: str) -> None:
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    data = np.frombuffer(encode(Image.fromarray(noise), suffix), dtype=np.uint8)
    for _ in range(60):
        damaged = data.copy()
        where = random.integers(0, min(len(data), 200), 4)
        damaged[where] = random.integers(0, 256, 4)
        with suppress(UnreadableImage):
            pixels(to_rgb(damaged.tobytes()))


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("width", [MAX_PIXELS // 1000 + 1, 1_000_000])
def test_bombs_are_refused(width: int) -> None:
    assert reason(bomb(width, 1000)).startswith("oversized: ")


def test_bombs_are_refused_where_pillow_is_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert reason(bomb(1_000_000, 1000)).startswith("oversized: 1,000,000,000 pixels")


def test_no_outside_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("an outside program was started")

    monkeypatch.setattr("subprocess.check_call", forbidden)
    monkeypatch.setattr("subprocess.Popen", forbidden)
    eps = encode(Image.new("RGB", (4, 4)), "EPS")
    assert reason(eps) == "not an image in a format that is read"


@pytest.mark.parametrize(
    "error", [MemoryError(), ZeroDivisionError("x\ny"), SyntaxError("bad"), struct.error("short")]
)
def test_whatever_a_plugin_raises(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Image, "open", fail)
    assert reason(b"x").startswith(f"cannot be read: {type(error).__name__}")


def test_pillow_does_not_warn_the_user() -> None:
    image = Image.new("P", (2, 1))
    data = encode(image, transparency=b"\x00\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_rgb(data)


_PLUGIN_SUFFIXES = (".heic", ".heics", ".heif", ".heifs", ".hif", ".jxl")


def test_suffixes_are_those_of_pillow() -> None:
    unseen = {"BUFR", "GRIB", "HDF5", "IPTC", "MPEG"}  # refused, and not what one calls images
    assert unseen < REFUSED_FORMATS
    read = {
        suffix
        for suffix, name in Image.registered_extensions().items()
        if name in Image.OPEN and name not in unseen
    }
    assert read <= {*IMAGE_SUFFIXES, *_PLUGIN_SUFFIXES}  # of plug-ins that other tests import
