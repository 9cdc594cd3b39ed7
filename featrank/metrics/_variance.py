"""Variance within classes and in all, without a float64 copy of the features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from featrank.labelled.labelled import Labelled
from featrank.records import FloatArray, IntArray

# Values of a float64 block of rows (64 MiB).
_BLOCK_VALUES = 2**23


def total_scatter(labelled: Labelled) -> float:
    """The sum over rows of the squared distance to the mean of all: N · tr Σ_T."""
    return _scatter(labelled.features, np.arange(labelled.n_samples))


def within_scatter(labelled: Labelled) -> float:
    """The sum over rows of the squared distance to the mean of their class: N · tr Σ_W."""
    return sum(
        _scatter(labelled.features, labelled.rows_of(label)) for label in range(labelled.n_classes)
    )


def _scatter(features: FloatArray, rows: IntArray) -> float:
    # From the first row, so that a large offset does not swallow the differences.
    origin = features[rows[0]].astype(np.float64)
    mean = sum((block - origin).sum(axis=0) for block in _blocks(features, rows)) / len(rows)
    return float(sum(np.square(block - origin - mean).sum() for block in _blocks(features, rows)))


def _blocks(features: FloatArray, rows: IntArray) -> Iterator[npt.NDArray[np.float64]]:
    step = max(1, _BLOCK_VALUES // features.shape[1])
    for start in range(0, len(rows), step):
        yield features[rows[start : start + step]].astype(np.float64)
