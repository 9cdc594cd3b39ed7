"""What there is to choose from: models with their size, cost, accuracy, licence; no network."""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.registry import did_you_mean
from featrank.zoos._hub import candidate_files
from featrank.zoos._hub_cache import is_in_hub_cache
from featrank.zoos._names import find_name, match_names
from featrank.zoos._pretraining import pretraining_data
from featrank.zoos._timm_index import IndexEntry
from featrank.zoos._torchvision_index import TorchvisionEntry
from featrank.zoos._url_files import is_stored
from featrank.zoos._zoo import Shelf
from featrank.zoos.packages import ZOO as PACKAGES
from featrank.zoos.torchvision import PREFIX

# Made by scripts/make_model_table.py; data/timm_models.md says from what.
_TABLE = Path(__file__).with_name("data") / "timm_models.csv"


@dataclass(frozen=True, slots=True)
class Card:
    """One model as it is listed; None where nobody says.

    Attributes:
        name: As ``--models`` takes it.
        n_params: Parameters.
        macs: Multiply-adds for one image.
        input_size: Channels, height, width.
        n_features: Width of the features.
        pretrained_on: The data sets that the tag names.
        top1: ImageNet-1k top-1 accuracy in percent, as published.
        top1_size: The input size that it was measured at.
        license: Of the weights.
        cached: Whether the weights are here.
    """

    name: str
    n_params: int | None
    macs: int | None
    input_size: tuple[int, int, int]
    n_features: int | None
    pretrained_on: tuple[str, ...]
    top1: float | None
    top1_size: int | None
    license: str | None
    cached: bool

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, without what nobody says."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of the models are listed.

    Attributes:
        exclude: Wildcards of names to leave out.
        max_params: At most so many parameters.
        min_top1: At least this published top-1 accuracy.
        license: Wildcard over licences.
        pretrained_on: Wildcard over data sets, one of which must match.
        cached: Only those whose weights are here.
    """

    exclude: Sequence[str] = ()
    max_params: float | None = None
    min_top1: float | None = None
    license: str | None = None
    pretrained_on: str | None = None
    cached: bool = False

    def accept(self, card: Card) -> bool:
        """Whether a model is listed; what is not known is not accepted."""
        return (
            not any(_matches(card.name, pattern) for pattern in self.exclude)
            and (self.max_params is None or _at_most(card.n_params, self.max_params))
            and (self.min_top1 is None or _at_most(self.min_top1, card.top1))
            and (self.license is None or _like(card.license or "", self.license))
            and (
                self.pretrained_on is None
                or any(_like(data, self.pretrained_on) for data in card.pretrained_on)
            )
            and (card.cached or not self.cached)
        )


# What --sort takes, and what it makes of a model; what is not known comes last.
SORTS: dict[str, Callable[[Card], tuple[bool, Any]]] = {
    "name": lambda card: (False, card.name),
    "params": lambda card: (card.n_params is None, card.n_params),
    "macs": lambda card: (card.macs is None, card.macs),
    "width": lambda card: (card.n_features is None, card.n_features),
    "input": lambda card: (False, card.input_size[1:]),
    "top1": lambda card: (card.top1 is None, -(card.top1 or 0.0)),
}


def list_cards(
    patterns: Sequence[str], filters: Filters, shelf: Shelf, sort: str | None = None
) -> list[Card]:
    """The models that names and wildcards mean, each once.

    Args:
        patterns: Over timm's names (those with a dot over full names, others over architectures),
            or ``torchvision:`` and torchvision's; none for all of timm's.
        filters: Which of them.
        shelf: What the zoos share.
        sort: One of :data:`SORTS`; None for the order of the registry.

    Raises:
        InputError: A pattern means nothing, or there is no such order.
    """
    if sort is not None and sort not in SORTS:
        raise InputError(f"--sort '{sort}' is unknown", f"known: {', '.join(SORTS)}")
    cards: dict[str, Card] = {}
    for pattern in patterns or ["*"]:
        for card in _cards(pattern, shelf):
            cards.setdefault(card.name, card)
    kept = [card for card in cards.values() if filters.accept(card)]
    return sorted(kept, key=SORTS[sort]) if sort else kept


def _cards(pattern: str, shelf: Shelf) -> Iterator[Card]:
    if pattern.startswith(PREFIX):
        entries = shelf.torchvision.entries.values()
        found = [e for e in entries if _matches(f"{PREFIX}{e.name}", pattern)]
        if not found:
            raise _unknown(pattern, [f"{PREFIX}{name}" for name in shelf.torchvision.builders])
        yield from map(_torchvision_card, found)
        return
    names = _timm_names(pattern.removeprefix("timm:"), shelf)
    if not names:
        raise _unknown(pattern, shelf.index.pretrained_architectures())
    carried = set(PACKAGES.names(shelf))
    for name in names:
        yield _timm_card(shelf.index.entry(name), carried)


def _timm_names(pattern: str, shelf: Shelf) -> list[str]:
    """Full names: an architecture stands for all its weights."""
    index = shelf.index
    full = index.pretrained_names()
    matched = match_names(pattern, index.pretrained_architectures(), full)
    if not matched and (named := find_name(pattern, index, pretrained=True)):
        matched = [named.entry.name if named.tagged else named.entry.architecture]
    known = set(full)
    return [
        name
        for match in matched
        for name in ([match] if match in known else _with_tags(match, index.tags(match)))
    ]


def _with_tags(architecture: str, tags: Iterable[str]) -> list[str]:
    return [f"{architecture}.{tag}" if tag else architecture for tag in tags]


@cache
def _figures() -> dict[str, dict[str, str]]:
    with _TABLE.open(newline="") as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


def _timm_card(entry: IndexEntry, carried: set[str]) -> Card:
    figures = _figures().get(entry.name, {})

    def whole(column: str) -> int | None:
        return int(figures[column]) if figures.get(column) else None

    here = entry.name in carried
    if entry.hub_id:
        here = here or is_in_hub_cache(entry.hub_id, candidate_files(entry.hub_filename))
    elif entry.url:
        here = here or is_stored(entry.url)
    return Card(
        name=entry.name,
        n_params=whole("n_params"),
        macs=whole("macs"),
        input_size=entry.preprocessing.input_size,
        n_features=whole("n_features"),
        pretrained_on=pretraining_data(entry.tag),
        top1=float(figures["top1"]) if figures.get("top1") else None,
        top1_size=whole("top1_size"),
        license=entry.license,
        cached=here,
    )


def _torchvision_card(entry: TorchvisionEntry) -> Card:
    size = entry.preprocessing.input_size
    return Card(
        name=f"{PREFIX}{entry.name}",
        n_params=entry.n_params,
        macs=entry.macs,
        input_size=size,
        n_features=None,
        pretrained_on=("in1k",) if entry.weights.startswith("IMAGENET1K") else (),
        top1=entry.top1,
        top1_size=size[1] if entry.top1 is not None else None,
        license=None,
        cached=is_stored(entry.url),
    )


def _unknown(pattern: str, known: Iterable[str]) -> InputError:
    return InputError(
        f"no model matches '{pattern}'", did_you_mean(pattern, known, "featrank models lists all")
    )


def _matches(name: str, pattern: str) -> bool:
    """A pattern without a dot is one over architectures."""
    if "." not in pattern:
        name = name.partition(".")[0]
    return _like(name, pattern)


def _like(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())


def _at_most(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value <= limit
