"""From what is typed to an entry of timm's registry: tags, aliases, renamed models, wildcards."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from featrank.errors import InputError
from featrank.zoos._aliases import expand_alias
from featrank.zoos._timm_index import IndexEntry, TimmIndex


@dataclass(frozen=True, slots=True)
class Named:
    """A name that was understood.

    Attributes:
        entry: What it means.
        tagged: Whether the tag was typed.
        note: How it was resolved, where that is not obvious.
    """

    entry: IndexEntry
    tagged: bool
    note: str


def find_name(text: str, index: TimmIndex, *, pretrained: bool) -> Named | None:
    """What one name means.

    Args:
        text: ``architecture``, ``architecture.tag``, an alias, or a name that timm has renamed.
        index: timm's registry.
        pretrained: Prefer architectures that have weights.

    Raises:
        InputError: The architecture is known and the tag is not.
    """
    base, _, tag = text.partition(".")
    renamed = index.deprecated().get(base)
    if renamed:
        base, _, default_tag = renamed.partition(".")
        tag = tag or default_tag
    architecture = None
    if pretrained:
        architecture = expand_alias(base, index.pretrained_architectures())
    architecture = architecture or expand_alias(base, index.architectures())
    if architecture is None:
        return None
    entry = index.find(f"{architecture}.{tag.lower()}" if tag else architecture)
    if entry is None:
        known = ", ".join(index.tags(architecture)) or "none"
        raise InputError(f"'{architecture}' has no weights tagged '{tag}'", f"its tags: {known}")
    plain = text in {entry.architecture, entry.name}
    return Named(entry, bool(tag), "" if plain else f"{text} -> {entry.name}")


def match_names(pattern: str, architectures: Sequence[str], names: Sequence[str]) -> list[str]:
    """What a wildcard matches: full names where it holds a dot, architectures otherwise."""
    lowered = pattern.lower()
    return fnmatch.filter(names if "." in lowered else architectures, lowered)
