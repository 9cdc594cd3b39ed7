"""Which stored value is black and which is white, where a file holds more than 8 bits a sample.

Such samples are often 10 to 14 bits in a container of 16, or floats, and a file may say so or not.
Where none does, one range holds for the whole target: one an image would show two pictures of the
same scene differently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from featrank.targets._target import UnreadableImage

Range = tuple[float, float]

# Integers whose file declares nothing, or only how large they get.
INTEGER = "integer"
# Floats whose file declares nothing.
FLOAT = "float"
# Any samples of which the files declare both ends.
DECLARED = "declared"
# What follows in the name of such a group are the bits that a PNG's sBIT declares.
SIGNIFICANT = "sBIT "
# What a format scales to 16 bits by itself.
FULL = "full"
# Twelve bits packed into a byte and a half.
PACKED = "packed 12"

WHOLE: Range = (0.0, 65_535.0)
UNIT: Range = (0.0, 1.0)
# Floats of a format that has it so.
SHARE = "share"
_BITS = (10, 12, 14, 16)


def range_of_bits(bits: int) -> Range:
    """From 0 to the largest number of so many bits."""
    return 0.0, float(2**bits - 1)


def bits_that_hold(value: float) -> int | None:
    """The smallest usual depth above 8 bits that holds a value; None where none does."""
    return next((bits for bits in _BITS if value <= range_of_bits(bits)[1]), None)


_FIXED: Mapping[str, Range] = {FULL: WHOLE, PACKED: range_of_bits(12), FLOAT: UNIT, SHARE: UNIT}


@dataclass(frozen=True)
class Reading:
    """The ranges that were chosen for a target.

    Attributes:
        ranges: By group of samples; what is missing is read as 16 bits, or as 0 to 1 if floats.
    """

    ranges: Mapping[str, Range] = field(default_factory=dict)

    def of(self, group: str) -> Range:
        """The range of a group."""
        return self.ranges.get(group, _FIXED.get(group, WHOLE))


def given_range(text: str) -> Range | None:
    """What ``--value-range`` says: bits or ``LO:HI``; None for auto.

    Raises:
        ValueError: It is neither.
    """
    if text == "auto":
        return None
    low, colon, high = text.partition(":")
    if not colon:
        if text not in ("8", *map(str, _BITS)):
            raise ValueError(text)
        return range_of_bits(int(text))
    ends = float(low), float(high)
    if not (np.isfinite(ends).all() and ends[0] < ends[1]):
        raise ValueError(text)
    return ends


def to_grey(values: npt.NDArray[Any], ends: Range, *, inverted: bool) -> npt.NDArray[np.uint8]:
    """Values as 8 bits: the lower end is 0, the upper 255, what lies beyond is clipped.

    Args:
        values: ``(height, width)`` of one channel; what is no number is black.
        ends: The values of black and white.
        inverted: Whether the lower end is white.
    """
    if values.dtype == np.uint16:  # a table: less memory than floats of the whole picture
        table = to_grey(np.arange(65_536, dtype=np.float64), ends, inverted=inverted)
        return np.take(table, values)
    low, high = ends
    blank = high if inverted else low
    numbers = np.nan_to_num(values.astype(np.float64), nan=blank, posinf=high, neginf=low)
    distance = high - numbers if inverted else numbers - low
    shares: npt.NDArray[np.float64] = (distance / (high - low)).clip(0.0, 1.0)
    return np.rint(shares * 255).astype(np.uint8)


def refuse_beyond(values: npt.NDArray[Any], ends: Range) -> None:
    """Floats that leave a range that nothing declares are of some other range.

    Raises:
        UnreadableImage: They do.
    """
    numbers = values[np.isfinite(values.astype(np.float64))]
    if numbers.size:
        low, high = float(numbers.min()), float(numbers.max())
        if low < ends[0] or high > ends[1]:
            raise UnreadableImage(no_range("floats", low, high))


def no_range(kind: str, low: float, high: float) -> str:
    """Why samples cannot be read of which nothing says what is white."""
    low, high = (low, high) if low < high else (low, low + 1)
    return (
        f"{kind} from {low:g} to {high:g}, and nothing declares which is white: say it, as with"
        f" --value-range={low:g}:{high:g}"
    )
