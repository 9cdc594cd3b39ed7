"""Zoos of other packages: what they must say, and what is added where they leave it out."""

from __future__ import annotations

import re
from typing import Any

from featrank.zoos._zoo import Zoo

# It stands before the colon of every name.
_NAME = re.compile(r"[\w.-]+")
_NEEDED = ("names", "preprocessing", "find_weights")


class _Completed(Zoo):
    """A zoo that does not derive from :class:`Zoo`: what it lacks is as there."""

    def __init__(self, declared: Any) -> None:
        for name in ("name", *dir(Zoo)):
            if not name.startswith("_") and hasattr(declared, name):
                setattr(self, name, getattr(declared, name))


def complete(declared: Any) -> Zoo:
    """A zoo as another package declares it, with the whole contract.

    Raises:
        AttributeError: It has no name.
        TypeError: It is no zoo: something is missing that has no default.
        ValueError: Its name cannot stand before a colon.
    """
    if not isinstance(declared.name, str) or not _NAME.fullmatch(declared.name):
        raise ValueError(f"{declared.name!r} is no name for a zoo")
    lacking = [name for name in _NEEDED if not _says(declared, name)]
    if not (_says(declared, "load") or _says(declared, "build")):
        lacking.append("build or load")
    if lacking:
        raise TypeError(f"a zoo needs {', '.join(lacking)}")
    return declared if isinstance(declared, Zoo) else _Completed(declared)


def _says(declared: Any, method: str) -> bool:
    """Whether it has a method of its own."""
    own = getattr(declared, method, None)
    return callable(own) and getattr(own, "__func__", own) is not getattr(Zoo, method)
