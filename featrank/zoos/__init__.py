"""Where models come from: one file a zoo, found by scanning this folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from featrank.errors import InputError
from featrank.records import ModelRef
from featrank.registry import Registry, did_you_mean, is_wildcard
from featrank.zoos._aliases import ALIASES
from featrank.zoos._zoo import Shelf, Zoo

__all__ = ["ZOOS", "Shelf", "Zoo", "resolve_models", "zoo_of"]

ZOOS: Registry[Zoo] = Registry(__name__, "ZOO", "zoo")

_BARE, _FILE, _PACKAGE = "timm", "checkpoint", "package"


def resolve_models(specs: Iterable[str], shelf: Shelf) -> list[ModelRef]:
    """The models that the user asked for, in order, each once.

    Args:
        specs: Names, wildcards, ``zoo:name`` or ``name@file``; each may be several, with commas.
        shelf: What the zoos share.

    Raises:
        InputError: A name means nothing, or there is none.
    """
    found: dict[str, ModelRef] = {}
    for spec in specs:
        for text in _pieces(spec):
            for model in _resolve(text, shelf):
                found.setdefault(model.id, model)
    if not found:
        raise InputError("no models given", "name some: --models resnet50,vit_b16")
    return list(found.values())


def zoo_of(model: ModelRef) -> Zoo:
    """The zoo that offers a model."""
    return ZOOS.get(model.zoo)


def _pieces(spec: str) -> Iterator[str]:
    """The parts between commas; a comma inside an existing file's or folder's name is none."""
    place = spec.partition("@")[2] or spec.partition(":")[2]
    pieces = [spec] if "," in place and Path(place).expanduser().exists() else spec.split(",")
    yield from filter(None, (piece.strip() for piece in pieces))


def _resolve(text: str, shelf: Shelf) -> list[ModelRef]:
    prefix, colon, name = text.partition(":")
    if colon and "@" not in prefix:
        models = [
            replace(model, requested=f"{prefix}:{model.requested}")
            for model in ZOOS.get(prefix).resolve(name, shelf)
        ]
    elif "@" in text:
        models = ZOOS.get(_FILE).resolve(text, shelf)
    else:
        models = _nearest(ZOOS.get(_BARE).resolve(text, shelf), shelf)
    if not models:
        raise _unknown(text, shelf)
    return models


def _nearest(models: list[ModelRef], shelf: Shelf) -> list[ModelRef]:
    """The same weights from an installed package, where one carries them."""
    package = ZOOS.get(_PACKAGE)
    carried = set(package.names(shelf))
    nearest = []
    for model in models:
        if model.name not in carried:
            nearest.append(model)
            continue
        (local,) = package.resolve(model.name, shelf)
        note = "; ".join(filter(None, [model.note, local.note]))
        nearest.append(replace(local, requested=model.requested, note=note))
    return nearest


def _unknown(text: str, shelf: Shelf) -> InputError:
    what = "no model matches" if is_wildcard(text) else "unknown model"
    prefix, colon, name = text.partition(":")
    zoos = [ZOOS.get(prefix if colon else _BARE)]
    known = dict.fromkeys(known for zoo in zoos for known in zoo.names(shelf))
    known |= dict.fromkeys(ALIASES)
    return InputError(
        f"{what} '{text}'",
        did_you_mean(name or text, known, "list them: featrank models"),
    )
