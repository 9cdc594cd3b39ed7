"""A stored layer as scoring takes it."""

from __future__ import annotations

from dataclasses import dataclass

from featrank.cache.scores import ScoreStore
from featrank.cache.store import FeatureStore, Layer
from featrank.labelled.feature_source import FeatureBlocks
from featrank.records import Features, IntArray


@dataclass(frozen=True, slots=True)
class StoredFeatures:
    """One layer in the store, with the classifier's probabilities where they are there too.

    Attributes:
        store: Where it is.
        layer: The layer.
        head: The layer that holds the probabilities of the pre-training classes.
    """

    store: FeatureStore
    layer: Layer
    head: Layer | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.layer.manifest.class_names

    @property
    def groups(self) -> IntArray | None:
        return self.store.groups(self.layer)

    @property
    def blocks(self) -> FeatureBlocks:
        return lambda: self.store.blocks(self.layer)

    @property
    def source_probs(self) -> StoredFeatures | None:
        return None if self.head is None else StoredFeatures(self.store, self.head)

    def load(self) -> Features:
        """All rows.

        Raises:
            IncompleteError: A part is missing or damaged.
        """
        return self.store.read(self.layer)

    @property
    def kept(self) -> ScoreStore:
        """The scores that were computed from it before."""
        return ScoreStore(self.layer.directory, self.layer.manifest.features_digest)
