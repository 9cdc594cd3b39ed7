"""How well two orders of the same models agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def weighted_tau(first: Sequence[float], second: Sequence[float]) -> float:
    """Weighted Kendall tau with additive hyperbolic weights (Vigna, WWW 2015, arXiv 1404.3325).

    The same number as ``scipy.stats.weightedtau``, whose import takes longer than the gate may. A
    pair counts 1/(1+i) + 1/(1+j), i and j being the places of its two by one order; the mean over
    the two orders is taken. Exchanges at the top therefore weigh more than those at the bottom.

    Args:
        first: ``(n,)`` scores, greater being better.
        second: ``(n,)`` other scores of the same things.

    Returns:
        Between -1 and 1; NaN where an order is undefined because all are equal.
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return (_tau_by(x, y) + _tau_by(y, x)) / 2


def _tau_by(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """With weights by the places in decreasing order of x, ties decided by y."""
    places = np.empty(len(x))
    places[np.lexsort((y, x))[::-1]] = np.arange(len(x))
    weights = 1 / (1 + places)
    pairs = np.triu(weights[:, None] + weights[None, :], k=1)
    signs_x, signs_y = (np.sign(v[:, None] - v[None, :]) for v in (x, y))
    norm = float(np.sqrt((pairs * signs_x**2).sum() * (pairs * signs_y**2).sum()))
    return float((pairs * signs_x * signs_y).sum()) / norm if norm else float("nan")
