"""The zoos there are: which one a name is for, and what any of them gives."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from featrank.errors import IncompleteError, PluginError
from featrank.records import ModelRef, Weights
from featrank.registry import Registry
from featrank.zoos._adapted import as_backbone
from featrank.zoos._plugins import admit
from featrank.zoos._zoo import Loaded, Shelf, Zoo

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")

log = logging.getLogger("featrank")

ZOOS: Registry[Zoo] = Registry("featrank.zoos", "ZOO", "zoo", admit=admit)


def zoo_of(model: ModelRef) -> Zoo:
    """The zoo that offers a model."""
    return ZOOS.get(model.zoo)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a name is for.

    Attributes:
        zoos: To be asked in this order.
        text: The name as they read it.
        prefix: What was taken off it: a zoo and a colon, or nothing.
        bare: Whether no zoo is meant in particular.
    """

    zoos: Sequence[Zoo]
    text: str
    prefix: str = ""
    bare: bool = False


def ask_for(text: str) -> Asked:
    """Whom a name or wildcard is for.

    Raises:
        InputError: There is no such zoo.
    """
    claimed = [zoo for zoo in ZOOS if zoo.claims(text)]
    if claimed:
        return Asked(claimed[:1], text)
    prefix, colon, name = text.partition(":")
    if colon:
        return Asked([ZOOS.get(prefix)], name, prefix + colon)
    return Asked([zoo for zoo in ZOOS if zoo.takes_bare_names], text, bare=True)


def answers(asked: Asked, ask: Callable[[Zoo], Iterable[T]]) -> Iterator[tuple[Zoo, list[T]]]:
    """What the zoos that a name is for say, one after the other.

    A bare name means no zoo in particular: one of another package that fails is passed over then.

    Raises:
        PluginError: The zoo that the name asks for failed.
    """
    for zoo in asked.zoos:
        try:
            yield zoo, list(ask(zoo))
        except PluginError as error:
            if not asked.bare:
                raise
            log.warning("warning: %s", error.message)


def nearest(model: ModelRef, shelf: Shelf) -> ModelRef:
    """The same weights from the zoo that has them nearest at hand; mostly the model itself."""
    for zoo in ZOOS:
        nearer = zoo.nearer(model, shelf)
        if nearer is not None:
            note = "; ".join(filter(None, [model.note, nearer.note]))
            return replace(nearer, requested=model.requested, note=note)
    return model


def load_network(model: ModelRef, weights: Weights) -> Loaded:
    """A model's network with its weights, as the forward loop takes it.

    Raises:
        InputError: The user's weights do not fit.
        IncompleteError: Fetched weights do not.
    """
    loaded = zoo_of(model).load(model, weights)
    return replace(loaded, network=as_backbone(loaded.network).eval())


def build_network(model: ModelRef, shelf: Shelf) -> nn.Module:
    """A model's network whose layers can be listed; without its weights where its zoo can do that.

    Raises:
        IncompleteError: It takes weights that are not on this machine.
    """
    zoo = zoo_of(model)
    network = zoo.build(model)
    if network is None:
        weights = zoo.find_weights(model, shelf)
        if weights is None:
            raise IncompleteError(
                f"the layers of {model.id} can be listed once its weights are on this machine",
                f"fetch them: featrank models {model.id} --prefetch",
            )
        network = zoo.load(model, weights).network
    return as_backbone(network).eval()
