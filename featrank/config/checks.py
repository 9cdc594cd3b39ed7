"""What an option is declared with, and the checks of its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from math import isfinite
from typing import Any, get_type_hints

from featrank.errors import InputError

# N stands for a GPU's number.
DEVICES = ("auto", "cpu", "cuda", "cuda:N", "mps")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a value must be, beside its type.

    Attributes:
        check: Given the flag and the value; raises InputError.
    """

    check: Callable[[str, Any], object]


@dataclass(frozen=True, slots=True)
class Parsed:
    """How what was typed becomes the value.

    Attributes:
        parse: Given what the command line holds.
    """

    parse: Callable[[Any], Any]


def at_least(least: int) -> Callable[[str, int], None]:
    """A check that a number is not below another."""

    def check(flag: str, value: int) -> None:
        if value < least:
            raise InputError(f"{flag} must be at least {least}, got {value}", f"try {flag} {least}")

    return check


def one_of(known: Sequence[str]) -> Callable[[str, str], None]:
    """A check that a word is among those that are known."""

    def check(flag: str, value: str) -> None:
        if value not in known:
            raise InputError(f"{flag} '{value}' is unknown", f"known: {', '.join(known)}")

    return check


def device(flag: str, value: str) -> None:
    """Refuse what is no name of a device; whether it is there is for PyTorch to say, later.

    Raises:
        InputError: It is none.
    """
    if not re.fullmatch("|".join(DEVICES).replace("N", "(0|[1-9][0-9]{0,2})"), value):
        known = ", ".join(DEVICES).replace("cuda:N", "cuda:N (the N-th GPU, from 0)")
        raise InputError(f"{flag} '{value}' is unknown", f"known: {known}")


def value_range(flag: str, text: str) -> None:
    """Refuse what is neither auto, nor bits, nor two numbers in order.

    Raises:
        InputError: It is none of them.
    """
    if text in ("auto", "8", "10", "12", "14", "16"):
        return
    low, _, high = text.partition(":")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = (0.0, 0.0)
    if not (all(map(isfinite, ends)) and ends[0] < ends[1]):
        raise InputError(
            f"{flag} '{text}' is no range",
            f"write auto, 8, 10, 12, 14 or 16 bits, or what is black and white: {flag}=0:4095",
        )


def share(flag: str, text: str) -> tuple[int, int]:
    """A share's number, from 1, and how many shares there are.

    Raises:
        InputError: It is not one of N.
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    number, of = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= of:
        raise InputError(
            f"{flag} '{text}' is not one of N shares", f"write I/N with I from 1 to N: {flag} 2/8"
        )
    return number, of


def flag_of(name: str, metadata: Sequence[object]) -> str:
    """The flag of a field: as its option says, else after its name."""
    # Within Annotated, Typer takes the first of an option's names for its default.
    declared = [
        flag
        for data in metadata
        for flag in (getattr(data, "default", None), *(getattr(data, "param_decls", None) or ()))
        if isinstance(flag, str) and flag.startswith("-")
    ]
    return str(max(declared, key=len)) if declared else f"--{name.replace('_', '-')}"


def check_options(options: Any) -> None:
    """Check every field of a dataclass, and of those in it, as its declaration says.

    Raises:
        InputError: A value out of its range; the message names the flag.
    """
    hints = get_type_hints(type(options), include_extras=True)
    for each in fields(options):
        metadata = getattr(hints[each.name], "__metadata__", ())
        value = getattr(options, each.name)
        if is_dataclass(value):
            check_options(value)
        elif value is not None:
            for data in metadata:
                if isinstance(data, Checked):
                    data.check(flag_of(each.name, metadata), value)
