"""Against tifffile, which shares no line with what reads the files here."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from pixel_files import bare_tiff, eighths, tiff

from featrank.targets import UnreadableImage
from featrank.targets._decode import to_rgb
from featrank.targets._tiff import declared_ends, numbers, tiff_kind
from featrank.targets._value_range import INTEGER, Reading

RANDOM = np.random.default_rng(0)
DEEP = RANDOM.integers(0, 65_536, (37, 45, 3), dtype=np.uint16)
GREY = DEEP[..., 0].copy()
STORED: dict[str, dict[str, Any]] = {
    f"{order}{compression or 'raw'}{tile or ''}": {
        "byteorder": order, "compression": compression, "tile": tile,
    }
    for order in "<>"
    for compression in (None, "zlib", "lzw")
    for tile in (None, (16, 16))
}  # fmt: skip


def read_back(data: bytes) -> np.ndarray:
    return tifffile.imread(io.BytesIO(data))


def pixels(data: bytes, bits: int = 16) -> np.ndarray:
    return np.asarray(to_rgb(data, Reading({INTEGER: (0, 2**bits - 1)})))


@pytest.fixture(params=STORED, ids=STORED)
def stored(request: pytest.FixtureRequest) -> dict[str, Any]:
    return STORED[request.param]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_min_is_white(stored: dict[str, Any], kind: type) -> None:
    values = (GREY >> 8).astype(kind) if kind is np.uint8 else GREY
    data = tiff(values, photometric="miniswhite", **stored)
    top = np.iinfo(kind).max
    assert np.array_equal(pixels(data), eighths(top - read_back(data), top))


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
def test_one_bit(photometric: str) -> None:
    data = tiff(GREY > 30_000, photometric=photometric)
    values = read_back(data) != (photometric == "miniswhite")
    assert np.array_equal(pixels(data), eighths(values, 1))


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_grey(stored: dict[str, Any], bits: int) -> None:
    data = tiff(GREY >> 16 - bits, photometric="minisblack", **stored)
    assert np.array_equal(pixels(data, bits), eighths(read_back(data), 2**bits - 1))


@pytest.mark.parametrize("kind", [np.int16, np.uint32, np.int32])
def test_other_integers(stored: dict[str, Any], kind: type) -> None:
    data = tiff((GREY >> 1).astype(kind), photometric="minisblack", **stored)
    assert np.array_equal(pixels(data), eighths(read_back(data), 65_535))


def test_floats_of_shares(stored: dict[str, Any]) -> None:
    data = tiff((GREY / 65_535).astype(np.float32), photometric="minisblack", **stored)
    assert np.array_equal(pixels(data), eighths(read_back(data), 1))


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_colours_of_fewer_bits(stored: dict[str, Any], bits: int) -> None:
    data = tiff(DEEP >> 16 - bits, photometric="rgb", **stored)
    assert np.array_equal(pixels(data, bits), eighths(read_back(data), 2**bits - 1))


def test_colours_of_all_bits_are_their_upper_bytes(stored: dict[str, Any]) -> None:
    data = tiff(DEEP, photometric="rgb", **stored)
    assert np.array_equal(pixels(data), read_back(data) >> 8)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_planes(stored: dict[str, Any], kind: type) -> None:
    values = np.moveaxis(DEEP >> 8 if kind is np.uint8 else DEEP, 2, 0).astype(kind)
    data = tiff(values, photometric="rgb", planarconfig="separate", **stored)
    expected = np.moveaxis(read_back(data), 0, 2) >> (0 if kind is np.uint8 else 8)
    assert np.array_equal(pixels(data), expected)


def test_planes_of_fewer_bits_are_refused(stored: dict[str, Any]) -> None:
    data = tiff(np.moveaxis(DEEP >> 4, 2, 0), photometric="rgb", planarconfig="separate", **stored)
    with pytest.raises(UnreadableImage, match="in planes of 16: convert"):
        pixels(data, 12)


def test_palette(stored: dict[str, Any]) -> None:
    table = RANDOM.integers(0, 256, (3, 256), dtype=np.uint16) * 257
    data = tiff((GREY >> 8).astype(np.uint8), photometric="palette", colormap=table, **stored)
    assert np.array_equal(pixels(data), np.moveaxis(table // 257, 0, 1)[read_back(data)])


@pytest.mark.parametrize("extra", [None, 0])
@pytest.mark.parametrize(("kind", "bits"), [(np.uint8, 16), (np.uint16, 16), (np.uint16, 12)])
def test_a_fourth_band_is_no_alpha_unless_declared(
    extra: int | None, kind: type, bits: int
) -> None:
    bands = np.concatenate([DEEP, GREY[..., None]], axis=2) >> (16 - bits)
    bands = (bands >> 8 if kind is np.uint8 else bands).astype(kind)
    data = bare_tiff(bands, 2, extra)
    colours = read_back(data)[..., :3]
    if kind is np.uint8:
        expected = colours
    else:
        expected = colours >> 8 if bits == 16 else eighths(colours, 2**bits - 1)
    assert np.array_equal(pixels(data, bits), expected)


def test_a_fourth_band_that_is_declared_is_alpha() -> None:
    bands = np.zeros((2, 2, 4), np.uint8)
    assert pixels(bare_tiff(bands, 2, 2)).min() == 255
    bands[..., 3] = 255
    assert pixels(bare_tiff(bands, 2, 2)).max() == 0


def test_inks() -> None:
    inks = RANDOM.integers(0, 256, (20, 30, 4), dtype=np.uint8)
    data = tiff(inks, photometric="separated")
    amount = 255 - read_back(data).astype(float)
    expected = amount[..., :3] * amount[..., 3:] / 255
    assert np.abs(pixels(data) - expected).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_turns(orientation: int, kind: type) -> None:
    values = (GREY >> 8 if kind is np.uint8 else GREY).astype(kind)
    data = tiff(values, photometric="minisblack", extratags=[(274, 3, 1, orientation, True)])
    stored = read_back(data)
    turned = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.T,
        6: stored.T[:, ::-1], 7: stored.T[::-1, ::-1], 8: stored.T[::-1],
    }[orientation]  # fmt: skip
    assert np.array_equal(pixels(data), eighths(turned, np.iinfo(kind).max))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((13, 8, 9), np.uint16), "13 bands of 16-bit unsigned integer samples"),
        (np.zeros((2, 8, 9), np.float32), "2 bands of 32-bit float samples"),
        (np.zeros((5, 8, 9), np.float64), "5 bands of 64-bit float samples"),
        (np.zeros((3, 8, 9), np.complex64), "3 bands of 64-bit complex samples"),
    ],
)
def test_what_is_refused_says_bands_and_type(
    values: np.ndarray, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    data = tiff(values, photometric="minisblack", planarconfig="separate")
    with pytest.raises(UnreadableImage, match=f"TIFF of {said}.*: convert it to RGB or grey"):
        to_rgb(data)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("cut", [0, 4, 8, 20, 60])
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_damaged_directory_tells_nothing(cut: int) -> None:
    data = tiff(np.zeros((13, 8, 9), np.uint16), photometric="minisblack")
    assert isinstance(tiff_kind(io.BytesIO(data[:cut])), str)


@pytest.mark.parametrize(
    ("tags", "ends"),
    [
        ({}, None), ({281: 4095}, (0, 4095)), ({340: -1.0, 341: 2.0}, (-1, 2)),
        ({281: (4095, 4095, 4095)}, (0, 4095)), ({340: 5, 341: 5}, None),
        ({341: float("nan")}, None), ({341: "white"}, None),
        ({280: 3, 281: 9, 341: 100}, (0, 100)),
    ],
)  # fmt: skip
def test_declared_ends(tags: dict[int, Any], ends: object) -> None:
    assert declared_ends(tags) == ends


def test_numbers() -> None:
    assert numbers((1, 2)) == [1, 2]
    assert numbers(None) == numbers(b"x") == []


def test_pillow_reads_them_wrongly_without_help() -> None:
    """Where this fails, Pillow has mended it, and our mending can go."""
    data = tiff(np.moveaxis(DEEP, 2, 0), photometric="rgb", planarconfig="separate")
    with Image.open(io.BytesIO(data)) as image:
        assert not np.array_equal(np.asarray(image), DEEP >> 8)
