from __future__ import annotations

import pytest

from featrank.targets import Sample
from featrank.targets._range_choice import Choice, Found, Group, choose
from featrank.targets._value_range import DECLARED, FLOAT, INTEGER

SAMPLE = Sample("a", "a", "0")


def chosen(name: str, low: float, high: float, value_range: str = "auto") -> Choice:
    found = Found()
    found.groups[name] = Group([SAMPLE], low, high)
    return choose(found, value_range)


@pytest.mark.parametrize(
    ("name", "low", "high", "ends"),
    [
        (INTEGER, 0, 12, (0, 1023)), (INTEGER, 0, 4096, (0, 16_383)),
        (FLOAT, 0.2, 1, (0, 1)), (FLOAT, float("inf"), float("-inf"), (0, 1)),
        (DECLARED, -4, 9, (-4, 9)), ("sBIT 14", 0, 16_383, (0, 16_383)),
        ("sBIT 14", 0, 16_384, (0, 65_535)),
    ],
)  # fmt: skip
def test_ranges(name: str, low: float, high: float, ends: tuple[float, float]) -> None:
    choice = chosen(name, low, high)
    assert choice.ranges == {name: ends}
    assert not choice.refused


@pytest.mark.parametrize(
    ("name", "low", "high"), [(INTEGER, -1, 5), (INTEGER, 0, 65_536), (FLOAT, -0.5, 1)]
)
def test_no_range(name: str, low: float, high: float) -> None:
    choice = chosen(name, low, high)
    assert set(choice.refused) == {"0"}
    assert not choice.ranges


def test_bits_by_hand_are_none_of_floats() -> None:
    assert chosen(FLOAT, 0, 5, "12").refused
    assert chosen(FLOAT, 0, 5, "0:5").ranges == {FLOAT: (0, 5)}
    assert chosen(INTEGER, 0, 5, "12").ranges == {INTEGER: (0, 4095)}


def test_a_group_widens_until_nothing_can_change() -> None:
    group = Group()
    group.add(None)
    group.add((3, 9000))
    assert not group.is_settled(INTEGER)
    group.add((5, 16_384))
    assert (group.low, group.high) == (3, 16_384)
    assert group.is_settled(INTEGER)
    assert group.is_settled(FLOAT)
    assert group.is_settled("sBIT 12")
    assert not group.is_settled("sBIT 15")


def test_what_is_said_and_what_is_in_the_key() -> None:
    choice = chosen(INTEGER, 0, 3000)
    assert choice.decoding == "integer=0:4095"
    assert "the largest value is 3000; --value-range sets another" in choice.said[0]
    usual = chosen(INTEGER, 0, 65_000)
    assert (usual.decoding, usual.said) == ("", ())
    assert chosen("packed 12", 0, 0).decoding == "packed 12"
    assert chosen("full", 0, 0).decoding == ""
