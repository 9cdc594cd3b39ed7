"""Log of maximum evidence."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Float64Array
from featrank.labelled.singular_rows import SingularRows, singular_rows
from featrank.metrics._declaration import Metric
from featrank.records import Score

# Of a squared length: a smaller residual is rounding.
_NO_RESIDUAL = 1e-10

# ln λ is looked for this far beyond the singular values, in steps of about a quarter.
_MARGIN, _STEP = 20.0, 0.25
_BISECTIONS = 26


def compute(labelled: Labelled) -> Score:
    """Mean over classes of the maximum log evidence of Bayesian linear regression, over N.

    You et al., "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", ICML 2021
    (arXiv 2102.11005). A class's indicator t ``(n_samples,)`` is a linear function of its features,
    weights ~ N(0, I/α), noise ~ N(0, 1/β), so t ~ N(0, I/β + ZZᵀ/α). With Z = U S Vᵀ of rank k,
    s_j the singular values, λ = α/β::

        q(λ) = ‖t‖² - Σ_j (Uᵀt)_j² s_j² / (λ + s_j²)
        ln p(t) = -N/2 (ln(2π q/N) + 1) - ½ Σ_j ln(1 + s_j²/λ)       at the best β = N / q

    maximised over λ: on a grid of ln λ for all classes at once, then by bisection of the slope.
    This is the paper's objective at its maximum. The public code's fixed point drops the term
    -(d - N)/2 ln α where N < d: ``logme_official`` has that number.

    Edge rule: singular values below about 1e-6 of the largest are taken for rounding. Where k < N
    and a class is a linear function of the features, as with equal rows in a wide layer, its
    evidence has no bound, and that is an error.

    Features are not centred, as in the paper. The number compares within one target only and may
    exceed 1.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.

    Raises:
        InputError: A class is an exact linear function of fewer than N features, which leaves its
            evidence without bound; every sample has the same features; or every class a single
            sample.
    """
    singular = singular_rows(labelled, standardised=False)
    evidences, _, _ = maximum_evidence(singular, labelled.n_samples)
    return Score(float(evidences.mean()) / labelled.n_samples, details={"rank": singular.rank})


def maximum_evidence(
    singular: SingularRows, n_samples: int
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """The maximum log evidence of each class, and the α and β it is reached at.

    Raises:
        InputError: It has no bound.
    """
    squared = np.square(singular.projections)
    residuals = singular.counts - squared.sum(axis=0)
    exact = residuals <= _NO_RESIDUAL * singular.counts
    if exact.any() and singular.rank < n_samples:
        raise InputError(
            "the features determine a class exactly, but for rounding: its evidence has no bound",
            "read hscore_reg or gda; rows that are equal, or too far from 0, can be the cause",
        )
    # N independent rows leave no residual; what rounding leaves would hide a maximum at λ → 0.
    residuals = np.where(exact, 0.0, np.maximum(residuals, 0.0))
    problem = _Evidence(singular.squares, squared, residuals, n_samples)
    scales = np.log(singular.squares)
    margin = np.array([-_MARGIN, _MARGIN])
    low, high = scales[[0, -1]] + margin
    grid = np.linspace(low, high, int((high - low) / _STEP) + 2)
    best = problem.on_grid(grid).argmax(axis=0)
    left, right = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, len(grid) - 1)]
    for _ in range(_BISECTIONS):
        middle = (left + right) / 2
        rising = problem.slope(middle) > 0
        left, right = np.where(rising, middle, left), np.where(rising, right, middle)
    log_ratio = (left + right) / 2
    ratio = np.exp(log_ratio)
    beta = n_samples / problem.quadratic(ratio)
    return problem.at(ratio), ratio * beta, beta


class _Evidence:
    """The evidence of all classes as a function of λ, β being the best for it."""

    def __init__(
        self, squares: Float64Array, squared: Float64Array, residuals: Float64Array, n_samples: int
    ) -> None:
        self._s2 = squares[:, None]
        self._squared = squared
        self._residuals = residuals
        self._n = n_samples

    def on_grid(self, grid: Float64Array) -> Float64Array:
        """``(n_grid, n_classes)`` for values of ln λ."""
        kept = 1.0 / (1.0 + self._s2.T * np.exp(-grid)[:, None])
        log_determinant = -np.log(kept).sum(axis=1)
        return self._value(self._residuals + kept @ self._squared, log_determinant[:, None])

    def quadratic(self, ratio: Float64Array) -> Float64Array:
        """``(n_classes,)`` q at each class's own λ."""
        kept = ratio / (ratio + self._s2)
        return np.asarray(self._residuals + (kept * self._squared).sum(axis=0))

    def at(self, ratio: Float64Array) -> Float64Array:
        """``(n_classes,)`` at each class's own λ."""
        return self._value(self.quadratic(ratio), np.log1p(self._s2 / ratio).sum(axis=0))

    def slope(self, log_ratio: Float64Array) -> Float64Array:
        """``(n_classes,)`` the derivative by ln λ."""
        kept = 1.0 / (1.0 + self._s2 * np.exp(-log_ratio))
        quadratic = self._residuals + (kept * self._squared).sum(axis=0)
        rise = (kept * (1.0 - kept) * self._squared).sum(axis=0)
        return np.asarray(0.5 * (1.0 - kept).sum(axis=0) - 0.5 * self._n * rise / quadratic)

    def _value(self, quadratic: Float64Array, log_determinant: Float64Array) -> Float64Array:
        fit = np.log(2 * np.pi * quadratic / self._n) + 1.0
        return np.asarray(-0.5 * self._n * fit - 0.5 * log_determinant)


METRIC = Metric(
    name="logme",
    summary="mean log evidence of Bayesian linear regression on the classes' indicators",
    paper="You et al., ICML 2021, arXiv 2102.11005",
    version=2,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="Compares within one target only, and may exceed 1. The public code is wrong"
    " where the rows are fewer than the features.",
    compute=compute,
    needs="moments",
)
