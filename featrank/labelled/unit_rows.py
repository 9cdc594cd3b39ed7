"""Rows scaled to length 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


def unit_rows(rows: Float64Array) -> Float64Array:
    """Rows of length 1; a zero row stays zero.

    Scaled by a power of two first, which rounds nothing: no square under- or overflows.

    Args:
        rows: ``(n, n_features)``, finite.
    """
    _, exponents = np.frexp(np.abs(rows).max(axis=1, keepdims=True, initial=0.0))
    scaled = np.ldexp(rows, -exponents)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit: Float64Array = np.divide(scaled, length, out=scaled, where=length > 0)
    return unit
