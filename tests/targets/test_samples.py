from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pixel_files import bare_tiff, eighths, png, tiff

from featrank.targets._decode import open_image, to_rgb
from featrank.targets._samples import Samples, describe
from featrank.targets._value_range import DECLARED, FLOAT, FULL, INTEGER, Reading

RANDOM = np.random.default_rng(0)
COLOURS = RANDOM.integers(0, 65_536, (9, 11, 3), dtype=np.uint16)
GREY = COLOURS[..., 0]


def samples(data: bytes) -> Samples:
    stream = io.BytesIO(data)
    return describe(open_image(stream), stream)


def saved(values: np.ndarray, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("significant", [b"\x08", b""])
def test_eight_bits_are_nothing_special(significant: bytes) -> None:
    assert samples(png(GREY.astype(np.uint8), significant)) == Samples()


@pytest.mark.parametrize(
    ("data", "group"),
    [
        (png(GREY), INTEGER),
        (png(GREY, b"\x0c"), "sBIT 12"),
        (png(COLOURS, b"\x0a\x0c\x0b"), "sBIT 12"),
        (png(GREY, b"\x10"), INTEGER),
        (png(GREY, b"\x00"), INTEGER),
        (saved(GREY, "PPM"), FULL),
        (saved(GREY.astype(np.float32), "TIFF"), FLOAT),
        (tiff(GREY.astype(np.int32), photometric="minisblack"), INTEGER),
    ],
)
def test_groups(data: bytes, group: str) -> None:
    assert samples(data).group == group


def test_what_a_tiff_declares() -> None:
    data = tiff(
        GREY.astype(np.float32),
        photometric="minisblack",
        extratags=[(340, 11, 1, -2.0, True), (341, 11, 1, 7.0, True)],
    )
    assert samples(data) == Samples(DECLARED, (-2, 7))
    ceiling = tiff(GREY, photometric="minisblack", extratags=[(281, 3, 1, 4095, True)])
    assert samples(ceiling) == Samples(INTEGER, (0, 4095), bounded=True)


def test_bands_that_nothing_declares() -> None:
    assert samples(bare_tiff(np.zeros((2, 2, 4), np.uint8), 2)) == Samples(surplus=True)
    assert samples(bare_tiff(np.zeros((2, 2, 4), np.uint8), 2, 0)) == Samples()


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_lower_bits_of_png(bits: int) -> None:
    reading = Reading({INTEGER: (0, 2**bits - 1)})
    opaque = np.full((9, 11, 1), 2**bits - 1, np.uint16)
    colours, grey = COLOURS >> 16 - bits, GREY >> 16 - bits
    for values, expected in (
        (grey, grey), (colours, colours), (np.concatenate([colours, opaque], 2), colours),
        (np.concatenate([grey[..., None], opaque], 2), grey),
    ):  # fmt: skip
        shown = np.asarray(to_rgb(png(values), reading))
        assert np.array_equal(shown, eighths(expected, 2**bits - 1))


def test_transparent_grey_of_twelve_bits_is_on_white() -> None:
    values = np.array([[[4095, 0], [0, 4095], [2000, 4095]]], dtype=np.uint16)
    shown = np.asarray(to_rgb(png(values), Reading({INTEGER: (0, 4095)})))
    assert shown[0, :, 0].tolist() == [255, 0, 125]


def test_packed_twelve_bits_are_their_own_range() -> None:
    values = np.array([[0, 4095, 2048, 16]])
    packed = b"\x00\x0f\xff\x80\x00\x10"
    import struct

    tags = [(256, 3, 1, 4), (257, 3, 1, 1), (258, 3, 1, 12), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, 6)]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)
    data = b"II*\0" + struct.pack("<I", 14) + packed + directory + bytes(4)
    assert np.array_equal(np.asarray(to_rgb(data)), eighths(values, 4095))
