"""From what a target's images hold to the ranges that they are read by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from featrank.targets._target import Sample
from featrank.targets._value_range import (
    DECLARED,
    FLOAT,
    FULL,
    INTEGER,
    SIGNIFICANT,
    UNIT,
    WHOLE,
    Range,
    bits_that_hold,
    given_range,
    no_range,
    range_of_bits,
)

# An image with a larger value needs all 16 bits, whatever the others hold.
_SETTLED = range_of_bits(14)[1]


@dataclass
class Group:
    """Images whose samples share a range.

    Attributes:
        members: The images.
        low: The smallest value seen or declared.
        high: The largest.
    """

    members: list[Sample] = field(default_factory=list)
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, ends: Range | None) -> None:
        """Widen it, where there is something to widen it by."""
        if ends is not None:
            self.low, self.high = min(self.low, ends[0]), max(self.high, ends[1])

    def is_settled(self, name: str) -> bool:
        """Whether no further value can change the choice."""
        if name == FLOAT:
            return self.low < UNIT[0] or self.high > UNIT[1]
        if name.startswith(SIGNIFICANT):
            return self.high > _declared_bits(name)[1]
        return self.high > _SETTLED


@dataclass
class Found:
    """What a survey finds.

    Attributes:
        groups: By the name of their range.
        counts: Images that are read in some special way, by that way.
        plugins: What plug-ins read, with their versions.
        is_whole: Whether every file could be looked at.
    """

    groups: dict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    counts: Counter[str] = field(default_factory=Counter)
    plugins: set[str] = field(default_factory=set)
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """How a target's images are read.

    Attributes:
        ranges: By group of samples.
        refused: Why an image has no range, by its digest.
        said: What a reader of the result must know, one line each.
        decoding: What is not as it was before there was a choice, for the key of features.
    """

    ranges: Mapping[str, Range]
    refused: Mapping[str, str]
    said: tuple[str, ...]
    decoding: str


def choose(found: Found, value_range: str) -> Choice:
    """The ranges for what was found.

    Args:
        found: Of the whole target.
        value_range: What ``--value-range`` says.
    """
    ranges: dict[str, Range] = {}
    refused: dict[str, str] = {}
    given, is_depth = given_range(value_range), ":" not in value_range
    for name, group in found.groups.items():
        chosen = _given(name, given, is_depth=is_depth) or _range(name, group)
        if isinstance(chosen, str):
            refused |= {item.digest: chosen for item in group.members}
        elif chosen is not None:
            ranges[name] = chosen
    said = tuple(_said(found, ranges, given))
    return Choice(ranges, refused, said, _decoding(found, ranges))


def _is_integer(name: str) -> bool:
    return name == INTEGER or name.startswith(SIGNIFICANT)


def _given(name: str, given: Range | None, *, is_depth: bool) -> Range | None:
    """What is given by hand, where it can be meant: bits are none of floats."""
    reaches = _is_integer(name) or (name in (FLOAT, DECLARED) and not is_depth)
    return given if reaches else None


def _range(name: str, group: Group) -> Range | str | None:
    """A group's range; why it has none; None for that of its format."""
    ends = group.low, group.high
    if name.startswith(SIGNIFICANT):
        # A file that does as the PNG specification says has scaled its values to 16 bits.
        declared = _declared_bits(name)
        return WHOLE if group.high > declared[1] else declared
    if name == FLOAT:
        is_unit = (UNIT[0] <= group.low and group.high <= UNIT[1]) or group.low > group.high
        return UNIT if is_unit else no_range("floats", *ends)
    if name == INTEGER:
        bits = bits_that_hold(group.high) if group.low >= 0 else None
        return no_range("integers", *ends) if bits is None else range_of_bits(bits)
    return ends if name == DECLARED else None


def _decoding(found: Found, ranges: Mapping[str, Range]) -> str:
    chosen = [
        f"{name}={low:g}:{high:g}"
        for name, (low, high) in sorted(ranges.items())
        if (low, high) != WHOLE
    ]
    choosable = (FULL, INTEGER, FLOAT, DECLARED)
    fixed = [
        name
        for name in sorted(found.groups)
        if name not in choosable and not name.startswith(SIGNIFICANT)
    ]
    return ";".join([*chosen, *fixed, *sorted(found.counts), *sorted(found.plugins)])


def _said(found: Found, ranges: Mapping[str, Range], given: Range | None) -> Iterator[str]:
    for name, ends in sorted(ranges.items()):
        group = found.groups[name]
        images = f"{_images(len(group.members))} of more than 8 bits"
        read = f"{images} read from {ends[0]:g} (black) to {ends[1]:g} (white)"
        if given is not None and ends == given:
            yield f"{read} as asked for"
        elif ends != WHOLE:
            yield f"{read}: {_why(name, group)}; --value-range sets another"
    if n := found.counts["no alpha"]:
        yield (
            f"{_images(n)} of 4 samples a pixel whose fourth is not declared to be alpha:"
            " read as RGB without it"
        )


def _why(name: str, group: Group) -> str:
    return {
        INTEGER: f"the largest value is {group.high:g}",
        FLOAT: "floats that stay within 0 to 1",
        DECLARED: "as the files declare",
    }.get(name, f"as {name} declares")


def _declared_bits(name: str) -> Range:
    return range_of_bits(int(name.removeprefix(SIGNIFICANT)))


def _images(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"
