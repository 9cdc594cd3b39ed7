"""From what is typed to models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from featrank.errors import InputError
from featrank.records import ModelRef
from featrank.registry import did_you_mean, is_wildcard
from featrank.zoos._known import Asked, answers, ask_for, nearest
from featrank.zoos._zoo import Shelf


def resolve_models(specs: Iterable[str], shelf: Shelf) -> list[ModelRef]:
    """The models that the user asked for, in order, each once.

    Args:
        specs: Names, wildcards, ``zoo:name``, or a form that one of the zoos claims; each may be
            several, with commas.
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


def _pieces(spec: str) -> Iterator[str]:
    """The parts between commas; a comma inside an existing file's or folder's name is none."""
    place = spec.partition("@")[2] or spec.partition(":")[2]
    pieces = [spec] if "," in place and Path(place).expanduser().exists() else spec.split(",")
    yield from filter(None, (piece.strip() for piece in pieces))


def _resolve(text: str, shelf: Shelf) -> list[ModelRef]:
    asked = ask_for(text)
    for _, models in answers(asked, lambda zoo: zoo.resolve(asked.text, shelf)):
        if models and asked.bare:
            return [nearest(model, shelf) for model in models]
        if models:
            return [replace(m, requested=f"{asked.prefix}{m.requested}") for m in models]
    raise _unknown(text, asked, shelf)


def _unknown(text: str, asked: Asked, shelf: Shelf) -> InputError:
    what = "no model matches" if is_wildcard(text) else "unknown model"
    known = dict.fromkeys(name for zoo in asked.zoos for name in zoo.spellings(shelf))
    return InputError(
        f"{what} '{text}'",
        did_you_mean(asked.text or text, known, "list them: featrank models"),
    )
