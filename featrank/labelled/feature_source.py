"""What scoring takes: labelled features, wherever they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from featrank.records import Features, FloatArray, IntArray

FeatureBlocks = Callable[[], Iterator[tuple[FloatArray, IntArray]]]


class FeatureSource(Protocol):
    """Labelled features that can be read again as often as they are needed.

    A stored layer, a file of features and plain arrays are such sources.
    """

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the labels index."""
        ...

    @property
    def groups(self) -> IntArray | None:
        """``(n_samples,)``: a number for each row's group; None where there are none."""
        ...

    @property
    def blocks(self) -> FeatureBlocks | None:
        """Starts reading features and labels a piece at a time; None where all come together."""
        ...

    @property
    def source_probs(self) -> FeatureSource | None:
        """The pre-training classifier's probabilities for the same rows; None where none came."""
        ...

    def load(self) -> Features:
        """All of it, in memory."""
        ...


@dataclass(frozen=True, slots=True)
class ArraySource:
    """Features that are in memory already."""

    features: Features

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.features.class_names

    @property
    def groups(self) -> IntArray | None:
        return self.features.groups

    @property
    def blocks(self) -> None:
        return None

    @property
    def source_probs(self) -> ArraySource | None:
        probs = self.features.source_probs
        if probs is None:
            return None
        return ArraySource(replace(self.features, features=probs, source_probs=None))

    def load(self) -> Features:
        """The features themselves."""
        return self.features
