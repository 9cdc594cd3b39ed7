"""torchvision's classifiers: ``torchvision:resnet50``, ``torchvision:ResNet50_Weights.DEFAULT``."""

from __future__ import annotations

import fnmatch
import functools
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from featrank.errors import IncompleteError, InputError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import is_wildcard
from featrank.zoos._state_dicts import read_state_dict
from featrank.zoos._torchvision_index import TorchvisionEntry
from featrank.zoos._url_files import fetch_url_file, find_url_file, url_file_size
from featrank.zoos._zoo import Loaded, Shelf

if TYPE_CHECKING:
    from torch import Tensor, nn

PREFIX = "torchvision:"


class TorchvisionZoo:
    """``torchvision:NAME``, with torchvision's own networks, weights and preprocessing."""

    name = "torchvision"

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """``builder``, ``builder.WEIGHTS``, ``Enum.WEIGHTS``, or a wildcard over builders.

        Raises:
            InputError: The architecture is known and the weights are not.
        """
        index = shelf.torchvision
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
        builds = f"{PREFIX}{entry.builder}"
        return [ModelRef(text, self.name, entry.name, builds, note, builds)]

    def names(self, shelf: Shelf) -> list[str]:
        """Every architecture that has weights."""
        return shelf.torchvision.builders

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
        return shelf.torchvision.entries[model.name]


def build(builder: str, tag: str, state: dict[str, Tensor] | None) -> nn.Module:
    """torchvision's network.

    Args:
        builder: torchvision's function.
        tag: The name of its weights, which decide the input size of some; empty for none.
        state: Their tensors; None leaves the network untrained.
    """
    from torchvision import models
    from torchvision.models._api import WeightsEnum

    if state is None:
        extra = {"init_weights": False} if builder in ("googlenet", "inception_v3") else {}
        untrained: nn.Module = models.get_model(builder, weights=None, **extra)
        return untrained
    weights = models.get_model_weights(builder)[tag]
    # It would download the file, and read it in a way that may run what is in it.
    with patch.object(WeightsEnum, "get_state_dict", lambda *_, **__: state):
        network: nn.Module = models.get_model(builder, weights=weights)
    return network


def adapt(network: nn.Module) -> nn.Module:
    """A torchvision classifier with the three names that timm's networks have.

    The last linear layer becomes the classifier, and what it is given the features.

    Raises:
        IncompleteError: It has no linear layer.
    """
    from torch import nn

    linear = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not linear:
        raise IncompleteError(
            f"{type(network).__name__} has no linear classifier, so it cannot be told where its"
            " features are",
            "take timm's model of that kind",
        )
    classifier = network.get_submodule(linear[-1])
    parent, _, leaf = linear[-1].rpartition(".")
    setattr(network.get_submodule(parent), leaf, nn.Identity())

    adapted: nn.Module = _adapted_class()(network, classifier)
    return adapted


@functools.cache
def _adapted_class() -> Any:
    """Made once: a class of each network's own would hold it until cycles are collected."""
    from torch import nn

    class Adapted(nn.Module):
        """What the forward loop asks of a network."""

        def __init__(self, body: nn.Module, classifier: Any) -> None:
            super().__init__()
            self.body = body
            self.classifier = classifier
            self.num_classes = classifier.out_features
            self.num_features = classifier.in_features

        def forward_features(self, pixels: Tensor) -> Any:
            """What the classifier is given ``(n, num_features)``."""
            return self.body(pixels)

        def forward_head(self, features: Tensor, pre_logits: bool = False) -> Any:
            """The logits, or the features themselves."""
            return features if pre_logits else self.classifier(features)

        def forward(self, pixels: Tensor) -> Any:
            """The logits."""
            return self.forward_head(self.forward_features(pixels))

    return Adapted


ZOO = TorchvisionZoo()
