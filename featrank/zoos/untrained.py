"""Untrained copies of architectures: the control that any trained model should beat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import is_wildcard
from featrank.storage.digest import digest_json
from featrank.zoos._names import find_name, match_names
from featrank.zoos._timm_built import TimmBuilt
from featrank.zoos._timm_index import TimmIndex
from featrank.zoos._zoo import Loaded, Shelf

if TYPE_CHECKING:
    from torch import nn

SEED = 0


@contextmanager
def seeded() -> Iterator[None]:
    """What is initialised inside is drawn from the seed."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        yield


class UntrainedZoo(TimmBuilt):
    """``random:NAME``: the initial weights that a fixed seed draws."""

    name = "random"

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """Names, aliases and wildcards over all architectures.

        Raises:
            InputError: The architecture is known and its tag is not.
        """
        index = shelf.of(TimmIndex)
        if is_wildcard(text):
            names = match_names(text, index.architectures(), index.pretrained_names())
            return [ref for name in names for ref in self.resolve(name, shelf)]
        named = find_name(text, index, pretrained=True)
        if named is None:
            return []
        entry = named.entry
        # A tag names weights, which an untrained network has not; typed, it picks the input size.
        name = entry.name if named.tagged else entry.architecture
        note = f"{text} -> {name}" if named.note else ""
        return [ModelRef(text, self.name, name, entry.architecture, note)]

    def names(self, shelf: Shelf) -> list[str]:
        """Every architecture."""
        return shelf.of(TimmIndex).architectures()

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """timm's data configuration, as for its trained twin."""
        return shelf.of(TimmIndex).entry(model.name).preprocessing

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The recipe: what can change the numbers that are drawn."""
        recipe = {
            "name": model.name,
            "seed": SEED,
            "timm": version("timm"),
            "torch": version("torch"),
        }
        return Weights(digest_json(recipe))

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """As :meth:`find_weights`."""
        return self.find_weights(model, shelf)

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """Nothing is downloaded."""
        return 0

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network as its seed initialises it; the global generator stays untouched."""
        import timm

        with seeded():
            network: nn.Module = timm.create_model(model.name, pretrained=False)
        return Loaded(network.eval())


ZOO = UntrainedZoo()
