"""Any classifier with the names that the forward loop asks for, which timm's networks have."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from featrank.errors import IncompleteError

if TYPE_CHECKING:
    from torch import Tensor, nn


def as_backbone(network: nn.Module) -> nn.Module:
    """The network itself where it has ``forward_features`` and ``forward_head``, else adapted.

    Raises:
        IncompleteError: It has no linear layer.
    """
    asked = ("forward_features", "forward_head")
    return network if all(hasattr(network, name) for name in asked) else adapt(network)


def adapt(network: nn.Module) -> nn.Module:
    """A classifier with the three names that timm's networks have.

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
