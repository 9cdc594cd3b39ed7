"""Directions of rows and distances between them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


def unit_rows(rows: Float64Array) -> Float64Array:
    """Rows scaled to length 1; a zero row stays zero."""
    # By the largest value first: its square cannot underflow where the row's length does not.
    largest = np.abs(rows).max(axis=1, keepdims=True)
    scaled = np.divide(rows, largest, out=np.zeros_like(rows), where=largest > 0)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit: Float64Array = np.divide(scaled, length, out=scaled, where=length > 0)
    return unit


def squared_distances(rows: Float64Array) -> Float64Array:
    """Squared Euclidean distances of all pairs, ``(n_samples, n_samples)``, zero on the diagonal.

    From the inner products, which take a tenth of the time of differences. Around the median of
    each feature, so that neither an offset nor an outlier costs the other rows their digits.
    """
    centred = rows - np.median(rows, axis=0)
    squares = np.einsum("nd,nd->n", centred, centred)
    distances: Float64Array = centred @ centred.T
    distances *= -2.0
    distances += squares[:, None]
    distances += squares
    np.maximum(distances, 0.0, out=distances)
    np.fill_diagonal(distances, 0.0)
    return distances
