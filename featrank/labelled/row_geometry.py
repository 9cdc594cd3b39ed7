"""Distances between rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


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
