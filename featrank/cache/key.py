"""The identity of cached features: everything that can change one of their numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from featrank.records import LayerRef, Preprocessing
from featrank.storage.digest import digest_json

# Enough of the hash that a collision is out of the question, short enough for a path.
_HASH_LENGTH = 16


@dataclass(frozen=True)
class FeatureKey:
    """The whole key of one layer's features.

    Attributes:
        target: Fingerprint of the target: content, classes, split and subset.
        architecture: The network.
        weights: Fingerprint of the weights.
        preprocessing: Size, crop, interpolation, mean and standard deviation.
        precision: The arithmetic of the forward pass.
        extractor: Version of the code that decodes, transforms, forwards and pools.
        layer: Which features, and how they are pooled.
        decoding: How images are read where that is not the usual way.
    """

    target: str
    architecture: str
    weights: str
    preprocessing: Preprocessing
    precision: str
    extractor: int
    layer: LayerRef
    decoding: str = ""

    @cached_property
    def document(self) -> dict[str, Any]:
        """The key as JSON, as it stands in the Parquet metadata."""
        return {
            "target": self.target,
            "architecture": self.architecture,
            "weights": self.weights,
            "preprocessing": self.preprocessing.to_config(),
            "precision": self.precision,
            "extractor": self.extractor,
            "layer": self.layer.name,
            "pooling": self.layer.pooling,
            # Left out where it is usual: keys of older releases lack it.
            **({"decoding": self.decoding} if self.decoding else {}),
        }

    @cached_property
    def hash(self) -> str:
        """Short hash of the whole key."""
        return digest_json(self.document)[:_HASH_LENGTH]

    @cached_property
    def entry(self) -> str:
        """Short hash of all but the layer: layers of one forward pass share it."""
        shared = {k: v for k, v in self.document.items() if k not in ("layer", "pooling")}
        return digest_json(shared)[:_HASH_LENGTH]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> FeatureKey:
        """A key from its JSON."""
        return cls(
            target=document["target"],
            architecture=document["architecture"],
            weights=document["weights"],
            preprocessing=Preprocessing.from_config(document["preprocessing"]),
            precision=document["precision"],
            extractor=document["extractor"],
            layer=LayerRef(document["layer"], document["pooling"]),
            decoding=document.get("decoding", ""),
        )

    def with_layer(self, layer: LayerRef) -> FeatureKey:
        """The same pass, another layer."""
        return dataclasses.replace(self, layer=layer)
