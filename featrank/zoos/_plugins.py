"""Zoos of other packages: what they must say, what is added, and what becomes of their failures."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import guarded, passed_over
from featrank.zoos._cards import Card
from featrank.zoos._zoo import Loaded, Zoo

# It stands before the colon of every name.
_NAME = re.compile(r"[\w.-]+")
_NEEDED = ("names", "preprocessing", "find_weights")


def _list_of(kind: type) -> Callable[[Any], list[Any]]:
    """Makes a list of what a zoo yields, if all of it is of one type."""

    def check(answer: Any) -> list[Any]:
        found = list(answer)
        for item in found:
            _one_of(kind)(item)
        return found

    return check


def _one_of(*kinds: type | None) -> Callable[[Any], Any]:
    """Refuses what is of no such type; None stands for itself."""
    types = tuple(type(None) if kind is None else kind for kind in kinds)

    def check(answer: Any) -> Any:
        if not isinstance(answer, types):
            raise TypeError(f"{answer!r} is no {types[0].__name__}")
        return answer

    return check


# What every zoo is asked, whichever one a user means: how its answer is read, and what it is taken
# to have said where it fails.
_ASKED_OF_ALL: Mapping[str, tuple[Callable[[Any], Any], Any]] = {
    "claims": (bool, False),
    "nearer": (_one_of(ModelRef, None), None),
    "names": (_list_of(str), []),
    "spellings": (_list_of(str), []),
}
# What only the zoo of a model is asked: where it fails, so does the model.
_ASKED_OF_ONE: Mapping[str, Callable[[Any], Any]] = {
    "resolve": _list_of(ModelRef),
    "cards": _list_of(Card),
    "preprocessing": _one_of(Preprocessing),
    "find_weights": _one_of(Weights, None),
    "fetch_weights": _one_of(Weights),
    "download_size": _one_of(int, None),
    "build": lambda network: network,
    "layers_key": _one_of(Mapping),
    "load": _one_of(Loaded),
}


class _Completed(Zoo):
    """A zoo that does not derive from :class:`Zoo`: what it lacks is as there."""

    def __init__(self, declared: Any) -> None:
        for name in ("name", *dir(Zoo)):
            if not name.startswith("_") and hasattr(declared, name):
                setattr(self, name, getattr(declared, name))


class _Guarded(Zoo):
    """A zoo whose failures never end a run that has other models.

    Args:
        zoo: As another package declares it, complete.
        origin: That package with its version.
    """

    def __init__(self, zoo: Zoo, origin: str) -> None:
        self.name, self.takes_bare_names = zoo.name, bool(zoo.takes_bare_names)
        whose = f"the zoo '{zoo.name}' of {origin}"
        for step, (check, otherwise) in _ASKED_OF_ALL.items():
            setattr(self, step, passed_over(_checked(zoo, step, check), whose, otherwise))
        for step, check in _ASKED_OF_ONE.items():
            setattr(self, step, guarded(_checked(zoo, step, check), whose))


def _checked(zoo: Zoo, step: str, check: Callable[[Any], Any]) -> Callable[..., Any]:
    method = getattr(zoo, step)

    @functools.wraps(method)
    def ask(*given: Any) -> Any:
        return check(method(*given))

    return ask


def admit(declared: Any, origin: str) -> Zoo:
    """A zoo as another package declares it, with the whole contract, and guarded.

    Raises:
        Exception: What is wrong with the declaration; see :func:`complete`.
    """
    return _Guarded(complete(declared), origin)


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
