from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pillow_jxl  # noqa: F401  it registers the format
import pytest
from PIL import Image
from pixel_files import eighths

from featrank.targets import UnreadableImage
from featrank.targets._decode import to_rgb
from featrank.targets._jpeg_xl import stated_size

SIZES = [(1, 1), (8, 8), (64, 64), (256, 256), (640, 480), (1000, 17), (513, 2000), (1920, 1080)]
RANDOM = np.random.default_rng(0)


def encoded(image: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JXL", **options)
    return stream.getvalue()


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("in_a_container", [False, True])
def test_size_before_decoding(size: tuple[int, int], in_a_container: bool) -> None:
    exif = Image.Exif()
    exif[0x010E] = "boxed"
    data = encoded(Image.new("RGB", size), **({"exif": exif.tobytes()} if in_a_container else {}))
    assert data.startswith(b"\0\0\0\x0c") == in_a_container
    assert stated_size(data) == size


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_pixels_against_what_another_library_wrote(kind: type, shape: tuple[int, ...]) -> None:
    values = RANDOM.integers(0, np.iinfo(kind).max + 1, shape, dtype=kind)
    shown = np.asarray(to_rgb(imagecodecs.jpegxl_encode(values, lossless=True)))
    if values.ndim == 3:
        expected = values >> (8 * values.itemsize - 8)
    else:
        expected = eighths(values, np.iinfo(kind).max)
    assert np.array_equal(shown, expected)


def test_floats_are_shares() -> None:
    values = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    shown = np.asarray(to_rgb(imagecodecs.jpegxl_encode(values, lossless=True)))
    assert np.array_equal(shown, eighths(values, 1))


def test_the_codestream_alone_says_how_it_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert to_rgb(encoded(Image.new("RGB", (30, 20)), exif=exif.tobytes())).size == (30, 20)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_repacked_photo_is_as_its_jpeg(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    y, x = np.mgrid[:48, :64]
    photo = Image.fromarray(np.stack([4 * x, 5 * y, x + y], axis=-1).astype(np.uint8))
    stream = io.BytesIO()
    photo.save(stream, "JPEG", exif=exif, subsampling=0)
    repacked = imagecodecs.jpegxl_encode_jpeg(stream.getvalue())
    expected = to_rgb(stream.getvalue())
    shown = to_rgb(repacked)
    assert shown.size == expected.size
    assert np.abs(np.asarray(shown).astype(int) - np.asarray(expected)).max() <= 4


def bits(*fields: tuple[int, int]) -> bytes:
    number = at = 0
    for value, width in fields:
        number |= value << at
        at += width
    return b"\xff\x0a" + number.to_bytes(14, "little")


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    side = (1 << 30) - 1
    claim = bits((0, 1), (3, 2), (side, 30), (0, 3), (3, 2), (side, 30))
    assert stated_size(claim) == (1 << 30, 1 << 30)
    with pytest.raises(UnreadableImage, match="oversized"):
        to_rgb(claim)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x0cJXL \r\n\x87\n",
        b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100),
        b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x01jxlc" + b"\xff" * 8 + b"\xff\x0a",
        b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x09free." * 2000,
    ],
)
def test_hostile_boxes(data: bytes) -> None:
    with pytest.raises(UnreadableImage):
        to_rgb(data)
