"""What there is to choose from: models with their size, cost, accuracy, licence; no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from featrank.errors import InputError
from featrank.records import ModelRef
from featrank.registry import did_you_mean
from featrank.zoos._cards import Card, like, matches
from featrank.zoos._known import answers, ask_for, nearest
from featrank.zoos._zoo import Shelf, Zoo


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of the models are listed.

    Attributes:
        exclude: Wildcards of names to leave out.
        max_params: At most so many parameters.
        min_top1: At least this published top-1 accuracy.
        license: Wildcard over licences.
        pretrained_on: Wildcard over data sets, one of which must match.
        cached: Only those whose weights are on this machine.
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
            not any(matches(card.name, pattern) for pattern in self.exclude)
            and (self.max_params is None or _at_most(card.n_params, self.max_params))
            and (self.min_top1 is None or _at_most(self.min_top1, card.top1))
            and (self.license is None or like(card.license or "", self.license))
            and (
                self.pretrained_on is None
                or any(like(data, self.pretrained_on) for data in card.pretrained_on)
            )
            and (card.cached or not self.cached)
        )


# The key of each order; what is not known comes last.
_KEYS: dict[str, Callable[[Card], tuple[bool, Any]]] = {
    "name": lambda card: (False, card.name),
    "params": lambda card: (card.n_params is None, card.n_params or 0),
    "macs": lambda card: (card.macs is None, card.macs or 0),
    "width": lambda card: (card.n_features is None, card.n_features or 0),
    "input": lambda card: (card.input_size is None, (card.input_size or ())[1:]),
    "top1": lambda card: (card.top1 is None, -(card.top1 or 0.0)),
}


def list_cards(
    patterns: Sequence[str], filters: Filters, shelf: Shelf, sort: str | None = None
) -> list[Card]:
    """The models that names and wildcards mean, each once.

    Args:
        patterns: Names and wildcards, ``zoo:`` before those of a zoo that is asked by name only;
            none for all models that have bare names.
        filters: Which of them.
        shelf: What the zoos share.
        sort: One of :data:`featrank.config.catalogue.SORTS`; None for the order of the zoo.

    Raises:
        InputError: A pattern means nothing.
    """
    cards: dict[str, Card] = {}
    for pattern in patterns or ["*"]:
        for card in _cards(pattern, shelf):
            cards.setdefault(card.name, card)
    kept = [card for card in cards.values() if filters.accept(card)]
    return sorted(kept, key=_KEYS[sort]) if sort else kept


def _cards(pattern: str, shelf: Shelf) -> Iterator[Card]:
    asked = ask_for(pattern)
    for zoo, cards in answers(asked, lambda zoo: zoo.cards(asked.text, shelf)):
        if cards:
            yield from (_as_listed(card, zoo, shelf) for card in cards)
            return
    known = [_listed_name(name, zoo) for zoo in asked.zoos for name in zoo.names(shelf)]
    hint = did_you_mean(pattern, known, "featrank models lists all")
    raise InputError(f"no model matches '{pattern}'", hint)


def _as_listed(card: Card, zoo: Zoo, shelf: Shelf) -> Card:
    """As ``--models`` takes it, and with what another zoo has of it."""
    model = ModelRef(card.name, zoo.name, card.name, "")
    cached = card.cached or nearest(model, shelf) is not model
    return replace(card, name=_listed_name(card.name, zoo), cached=cached)


def _listed_name(name: str, zoo: Zoo) -> str:
    return name if zoo.takes_bare_names else f"{zoo.name}:{name}"


def _at_most(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value <= limit
