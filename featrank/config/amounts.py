"""Amounts as people write them: 20GB, 30d, 30M."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from featrank.errors import InputError


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with a unit behind it.

    Attributes:
        noun: What it is called in messages.
        example: One, as it is written.
        units: What each unit stands for, in lower case; the empty one where none is needed.
    """

    noun: str
    example: str
    units: Mapping[str, float]

    def parse(self, flag: str, text: str) -> float:
        """What a text stands for.

        Raises:
            InputError: It is no such amount.
        """
        match = re.fullmatch(r"(\d+(?:\.\d+)?) *([a-z]*)", text.strip().lower())
        if match is None or match[2] not in self.units:
            raise InputError(
                f"{flag} '{text}' is not {self.noun}", f"write it as in {flag} {self.example}"
            )
        return float(match[1]) * self.units[match[2]]


_DECIMAL = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_BINARY = {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}

BYTES = Amount("a size", "20GB", {**_DECIMAL, **_BINARY})
SECONDS = Amount("an age", "30d", {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400})
COUNT = Amount("a number", "30M", {"": 1, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9})
