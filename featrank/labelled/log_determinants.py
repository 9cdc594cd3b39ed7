"""Coding rates ½ ln det(I + s · second moment) of a layer and of its classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from featrank.labelled.held_out import FoldedLayer
from featrank.labelled.moments import Float64Array, Moments
from featrank.records import IntArray

# Values of the classes' matrices that are held at a time (256 MiB).
_HELD_VALUES = 2**25


def rate_reduction(layer: FoldedLayer, scale: float, *, centred: bool) -> tuple[float, float]:
    """The rate of all rows, and the mean of the classes' rates weighted by their shares.

    A rate is ½ ln det(I + scale · mean z zᵀ). It is concave in the second moment, so the first
    number is never below the second but for rounding.

    Args:
        layer: The rows z.
        scale: Inverse of the squared precision.
        centred: Whether z is taken from the mean of the layer.
    """
    moments = Moments.union(layer.moments(full=True))
    root = moments.between_root()
    second = (moments.scatter() + root.T @ root) / moments.n_samples
    if not centred:
        second += np.outer(layer.shift, layer.shift)
    parts = 0.0
    for count, gram in _class_grams(layer, centred):
        parts += count / moments.n_samples * _rate(gram, scale / count)
    return _rate(second, scale), parts


def _rate(matrix: Float64Array, scale: float) -> float:
    from scipy.linalg import cholesky

    matrix *= scale
    matrix[np.diag_indices_from(matrix)] += 1.0
    factor = cholesky(matrix, overwrite_a=True, check_finite=False)
    return float(np.log(np.diagonal(factor)).sum())


def _class_grams(layer: FoldedLayer, centred: bool) -> Iterator[tuple[int, Float64Array]]:
    """Each class's size and the smaller of ZᵀZ and ZZᵀ, which have the same determinant here."""
    offset = 0.0 if centred else layer.shift
    for group in _groups(layer.counts, len(layer.shift)):
        members = np.isin(layer.labels, list(group))
        order = layer.order[members[layer.order]]
        order = order[np.argsort(layer.labels[order], kind="stable")]
        filled = dict.fromkeys(group, 0)
        for found, rows in layer.prepared_blocks(order):
            labels = layer.labels[found]
            for label in np.unique(labels[members[found]]).tolist():
                part = rows[labels == label] + offset
                matrix, start = group[label], filled[label]
                if layer.counts[label] > len(layer.shift):
                    matrix += part.T @ part
                else:
                    matrix[start : start + len(part)] = part
                filled[label] += len(part)
        for label, matrix in group.items():
            wide = layer.counts[label] <= len(layer.shift)
            yield int(layer.counts[label]), matrix @ matrix.T if wide else matrix


def _groups(counts: IntArray, n_features: int) -> Iterator[dict[int, Float64Array]]:
    """Classes with an empty matrix each, as many at a time as fit: one reading of the rows each."""
    group: dict[int, Float64Array] = {}
    for label, count in enumerate(counts.tolist()):
        group[label] = np.zeros((min(count, n_features), n_features))
        if sum(matrix.size for matrix in group.values()) >= _HELD_VALUES:
            yield group
            group = {}
    if group:
        yield group
