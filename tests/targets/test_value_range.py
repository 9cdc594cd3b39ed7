from __future__ import annotations

import math
import re

import numpy as np
import pytest

from featrank.targets import UnreadableImage
from featrank.targets._value_range import (
    FLOAT,
    FULL,
    INTEGER,
    PACKED,
    Reading,
    bits_that_hold,
    given_range,
    no_range,
    refuse_beyond,
    to_grey,
)


@pytest.mark.parametrize(
    ("value", "bits"),
    [(0, 10), (1023, 10), (1024, 12), (4095, 12), (4096, 14), (16_384, 16), (65_536, None)],
)
def test_the_smallest_depth_that_holds(value: int, bits: int | None) -> None:
    assert bits_that_hold(value) == bits


@pytest.mark.parametrize(
    ("text", "ends"),
    [("auto", None), ("8", (0, 255)), ("12", (0, 4095)), ("-1000:400.5", (-1000, 400.5))],
)
def test_what_is_given(text: str, ends: object) -> None:
    assert given_range(text) == ends


@pytest.mark.parametrize("text", ["9", "", "1:1", "2:1", "nan:1", "0:inf", "a:b", "12bits"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match=f"could not convert|^{re.escape(text)}$"):
        given_range(text)


def test_ranges_that_are_fixed_and_ranges_that_are_chosen() -> None:
    reading = Reading({INTEGER: (0, 1023)})
    assert [reading.of(name) for name in (INTEGER, FULL, PACKED, FLOAT, "sBIT 12")] == [
        (0, 1023), (0, 65_535), (0, 4095), (0, 1), (0, 65_535),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.float32])
def test_ends_are_black_and_white_and_the_rest_is_clipped(kind: type) -> None:
    values = np.array([[0, 100, 150, 200, 250]], dtype=kind)
    assert to_grey(values, (100, 200), inverted=False).tolist() == [[0, 0, 128, 255, 255]]
    assert to_grey(values, (100, 200), inverted=True).tolist() == [[255, 255, 128, 0, 0]]


def test_sixteen_bits_are_rounded_as_by_the_formula() -> None:
    values = np.arange(65_536, dtype=np.uint16)[None]
    expected = [math.floor(value / 65_535 * 255 + 0.5) for value in range(65_536)]
    assert to_grey(values, (0, 65_535), inverted=False)[0].tolist() == expected


@pytest.mark.parametrize("inverted", [False, True])
def test_what_is_no_number_is_black(inverted: bool) -> None:
    values = np.array([[np.nan, -np.inf, np.inf]], dtype=np.float32)
    expected = [0, 255, 0] if inverted else [0, 0, 255]
    assert to_grey(values, (0, 1), inverted=inverted)[0].tolist() == expected


def test_floats_beyond_are_refused_with_what_to_type() -> None:
    refuse_beyond(np.array([0.0, 1.0, np.nan]), (0, 1))
    refuse_beyond(np.array([np.nan]), (0, 1))
    with pytest.raises(UnreadableImage, match=r"floats from -3 to 2\.5.*--value-range=-3:2\.5$"):
        refuse_beyond(np.array([-3.0, 2.5, np.inf]), (0, 1))


def test_the_range_that_is_proposed_is_one() -> None:
    proposed = no_range("floats", 7, 7).rpartition("=")[2]
    assert given_range(proposed) == (7, 8)
