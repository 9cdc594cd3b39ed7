"""torchvision's classifiers: ``torchvision:resnet50``, ``torchvision:ResNet50_Weights.DEFAULT``."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from featrank.errors import IncompleteError, InputError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import is_wildcard
from featrank.zoos._adapted import adapt
from featrank.zoos._cards import Card, matches
from featrank.zoos._state_dicts import read_state_dict
from featrank.zoos._torchvision_index import TorchvisionEntry, TorchvisionIndex
from featrank.zoos._url_files import fetch_url_file, find_url_file, is_stored, url_file_size
from featrank.zoos._zoo import Loaded, Shelf, Zoo

if TYPE_CHECKING:
    from torch import Tensor, nn


class TorchvisionZoo(Zoo):
    """``torchvision:NAME``, with torchvision's own networks, weights and preprocessing."""

    name = "torchvision"

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """``builder``, ``builder.WEIGHTS``, ``Enum.WEIGHTS``, or a wildcard over builders.

        Raises:
            InputError: The architecture is known and the weights are not.
        """
        index = shelf.of(TorchvisionIndex)
        if is_wildcard(text):
            names = fnmatch.filter(index.builders, text)
            return [model for name in names for model in self.resolve(name, shelf)]
        base, _, tag = text.partition(".")
        known = [e for e in index.entries.values() if base in (e.builder, e.enum)]
        if not known:
            return []
        wanted = {"", "DEFAULT", known[0].weights}
        entry = next(
            (e for e in known if e.weights == tag or (e is known[0] and tag in wanted)), None
        )
        if entry is None:
            tags = ", ".join(e.weights for e in known)
            raise InputError(f"'{base}' has no weights '{tag}'", f"there is: {tags}")
        note = "" if text in (entry.builder, entry.name) else f"{text} -> {entry.name}"
        return [ModelRef(text, self.name, entry.name, f"torchvision:{entry.builder}", note)]

    def names(self, shelf: Shelf) -> list[str]:
        """Every architecture that has weights."""
        return shelf.of(TorchvisionIndex).builders

    def cards(self, pattern: str, shelf: Shelf) -> Iterable[Card]:
        """torchvision's own figures; a pattern without a dot is one over builders."""
        entries = shelf.of(TorchvisionIndex).entries.values()
        return (_card(entry) for entry in entries if matches(entry.name, pattern))

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """torchvision's own."""
        return self._entry(model, shelf).preprocessing

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights | None:
        """The file where torch keeps it.

        Raises:
            IncompleteError: It is there and damaged.
        """
        return find_url_file(self._entry(model, shelf).url, shelf.hashes)

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The file, downloaded and checked against the hash in its name.

        Raises:
            IncompleteError: Out of reach, or damaged.
        """
        url = self._entry(model, shelf).url
        found = find_url_file(url, shelf.hashes)
        return found or fetch_url_file(url, shelf.hashes, shelf.reporter)

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """As the server announces it.

        Raises:
            IncompleteError: Out of reach.
        """
        return url_file_size(self._entry(model, shelf).url)

    def build(self, model: ModelRef) -> nn.Module:
        """torchvision's network, untrained."""
        return adapt(build(model.name.partition(".")[0], "", None))

    def layers_key(self, model: ModelRef, shelf: Shelf) -> Mapping[str, Any]:
        """What is built, and by which torchvision."""
        return {"name": model.architecture, "torchvision": version("torchvision")}

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network, built by torchvision so that its own conversions of the weights apply.

        Raises:
            IncompleteError: The file does not hold this model's weights.
        """
        if weights.path is None:
            raise ValueError("torchvision's weights come from a file")
        builder, _, tag = model.name.partition(".")
        try:
            network = build(builder, tag, read_state_dict(weights.path))
        except (InputError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
            raise IncompleteError(
                f"cannot load {model.id} from {weights.path}: {reason}",
                "delete that file to fetch it again",
            ) from error
        return Loaded(adapt(network).eval())

    @staticmethod
    def _entry(model: ModelRef, shelf: Shelf) -> TorchvisionEntry:
        return shelf.of(TorchvisionIndex).entries[model.name]


def _card(entry: TorchvisionEntry) -> Card:
    size = entry.preprocessing.input_size
    return Card(
        name=entry.name,
        n_params=entry.n_params,
        macs=entry.macs,
        input_size=size,
        pretrained_on=("in1k",) if entry.weights.startswith("IMAGENET1K") else (),
        top1=entry.top1,
        top1_size=size[1] if entry.top1 is not None else None,
        cached=is_stored(entry.url),
    )


def build(builder: str, tag: str, state: dict[str, Tensor] | None) -> nn.Module:
    """torchvision's network.

    Args:
        builder: torchvision's function.
        tag: The name of its weights, which decide the input size of some; empty for none.
        state: Their tensors; None leaves the network untrained.
    """
    from torchvision import models

    if state is None:
        extra = {"init_weights": False} if builder in ("googlenet", "inception_v3") else {}
        untrained: nn.Module = models.get_model(builder, weights=None, **extra)
        return untrained
    weights = _at_hand(models.get_model_weights(builder)[tag], state)
    network: nn.Module = models.get_model(builder, weights=weights)
    return network


def _at_hand(weights: Any, state: dict[str, Tensor]) -> Any:
    """torchvision's weights with their tensors.

    Its own would download the file, and read it in a way that may run what is in it. Its builders
    take members of an enumeration only: this is one more, which no name leads to.
    """
    kind = type(weights)
    member = object.__new__(kind)
    member.__dict__.update(weights.__dict__)
    member.__dict__["get_state_dict"] = lambda **_: state
    return member


ZOO = TorchvisionZoo()
