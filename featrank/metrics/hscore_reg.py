"""H-score with a shrunk covariance."""

from __future__ import annotations

import numpy as np

from featrank.labelled.class_statistics import NO_SHRINKAGE, shrunk, statistics
from featrank.labelled.labelled import Labelled
from featrank.labelled.singular_rows import canonical_correlations
from featrank.metrics._declaration import Metric
from featrank.metrics.hscore import bounds_for
from featrank.records import Score


def compute(labelled: Labelled) -> Score:
    """tr(Σ_α⁻¹ (1 - α) Σ_B), Σ_α = (1 - α) Σ_T + α tr(Σ_T)/d I.

    Ibrahim, Ponomareva & Mazumder, "Newer is not always better: Rethinking transferability
    metrics, their peculiarities, stability and performance", ECML PKDD 2022 (arXiv 2110.06893).
    α is the Ledoit-Wolf intensity for Σ_T. Without shrinkage it is ``hscore``, whose bounds it
    has; unlike that it does not reward width alone.

    Edge rule: where Σ_T is a multiple of the identity α is 1 and the score 0, as in the limit.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.

    Raises:
        InputError: Every sample has the same features, or every class a single sample.
    """
    value, intensity = regularised(labelled)
    return Score(value, details={"shrinkage": intensity})


def regularised(labelled: Labelled, intensity: float | None = None) -> tuple[float, float]:
    """The score and α, Ledoit-Wolf's where none is given; next to 0 the unregularised limit."""
    from scipy.linalg import cholesky, solve_triangular

    known = statistics(labelled)
    alpha = known.total_shrinkage if intensity is None else intensity
    if alpha <= NO_SHRINKAGE * known.n_features:
        return float(canonical_correlations(labelled).sum()), alpha
    factor = cholesky(shrunk(known.total(), alpha), lower=True, overwrite_a=True)
    whitened = solve_triangular(factor, known.between_root.T, lower=True, check_finite=False)
    return float((1.0 - alpha) * np.square(whitened).sum()), alpha


METRIC = Metric(
    name="hscore_reg",
    summary="variance between classes in units of the total variance, Ledoit-Wolf shrunk",
    paper="Ibrahim et al., ECML PKDD 2022, arXiv 2110.06893",
    version=1,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="The same ranking as vci where classes are balanced: let only one of them vote.",
    compute=compute,
    needs="moments",
    bounds=(0.0, float("inf")),
    bounds_for=bounds_for,
)
