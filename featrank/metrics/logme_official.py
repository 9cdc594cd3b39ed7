"""LogME as the public code prints it, for reproducing published numbers."""

from __future__ import annotations

import numpy as np

from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Float64Array
from featrank.labelled.singular_rows import SingularRows, singular_rows
from featrank.metrics._declaration import Metric
from featrank.records import Score

# As in the public code: rounds at most, the change of α/β that ends them, and what is added to
# the denominators.
_ROUNDS, _SETTLED, _FLOOR = 11, 1e-3, 1e-5


def compute(labelled: Labelled) -> Score:
    """The authors' fixed point of α and β, with the evidence as they evaluate it.

    You et al., "Ranking and Tuning Pre-trained Models", JMLR 2022 (arXiv 2110.10545), algorithm 3.
    For reproduction only; ``logme`` is the evidence. Per class, from α = β = 1 and at most 11
    times, with Z = U S Vᵀ, the k = min(N, d) singular values s_j with those that are 0, and
    λ = α/β from the round before::

        γ = Σ_j s_j² / (s_j² + λ)
        m² = Σ_j s_j² (Uᵀt)_j² / (s_j² + λ)²        the squared length of the weights
        r² = ‖t‖² - Σ_j (Uᵀt)_j² + Σ_j (Uᵀt)_j² λ² / (s_j² + λ)²      the squared residual
        α = γ / (m² + 1e-5),  β = (N - γ) / (r² + 1e-5)
        stop where λ changed by at most 0.1 %
        evidence = d/2 ln α + N/2 ln β - ½ Σ_j ln(α + β s_j²) - β/2 r² - α/2 m² - N/2 ln 2π

    Where N < d the evidence lacks -(d - N)/2 ln α, and far too high a number comes out: at N = 50,
    d = 200 it prints 7.47 where the evidence is -1.16.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.

    Raises:
        InputError: Every sample has the same features, or every class a single sample.
    """
    singular = singular_rows(labelled, standardised=False)
    evidences = _fixed_point(singular, labelled.n_samples, labelled.n_features)
    return Score(float(evidences.mean()) / labelled.n_samples)


def _fixed_point(singular: SingularRows, n_samples: int, n_features: int) -> Float64Array:
    """``(n_classes,)``."""
    s2 = singular.squares[:, None]
    squared = np.square(singular.projections)
    outside = singular.counts - squared.sum(axis=0)
    alpha, beta, weights, residual = np.ones((4, len(outside)))
    moving = np.arange(len(outside))
    for _ in range(_ROUNDS):
        ratio = alpha[moving] / beta[moving]
        share = s2 / (s2 + ratio)
        gamma = share.sum(axis=0)
        weights[moving] = (share / (s2 + ratio) * squared[:, moving]).sum(axis=0)
        residual[moving] = outside[moving] + (np.square(1 - share) * squared[:, moving]).sum(axis=0)
        alpha[moving] = gamma / (weights[moving] + _FLOOR)
        beta[moving] = (n_samples - gamma) / (residual[moving] + _FLOOR)
        change = np.abs(alpha[moving] / beta[moving] - ratio)
        moving = moving[change > _SETTLED * ratio]
        if not moving.size:
            break
    n_zeros = min(n_samples, n_features) - singular.rank
    log_determinant = np.log(alpha + beta * s2).sum(axis=0) + n_zeros * np.log(alpha)
    evidence = n_features * np.log(alpha) + n_samples * np.log(beta) - log_determinant
    evidence -= beta * residual + alpha * weights + n_samples * np.log(2 * np.pi)
    return np.asarray(evidence / 2)


METRIC = Metric(
    name="logme_official",
    summary="LogME as the public code prints it: for reproduction, wrong where N < d",
    paper="You et al., JMLR 2022, arXiv 2110.10545",
    version=2,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="Wrong where the rows are fewer than the features, as in the public code: for"
    " reproducing published tables only.",
    compute=compute,
    alike="logme",
    needs="moments",
    across_widths=False,
)
