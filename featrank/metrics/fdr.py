"""Fisher's discriminant ratio."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.class_statistics import NO_SHRINKAGE, shrunk, statistics
from featrank.labelled.labelled import Labelled
from featrank.labelled.singular_rows import canonical_correlations
from featrank.metrics._declaration import Metric
from featrank.metrics.vci import require_intensity
from featrank.records import Score

# A squared canonical correlation this close to 1 leaves Σ_W singular.
_SINGULAR = 1e-9


def compute(labelled: Labelled, *, shrinkage: float | None = None) -> Score:
    """tr(Σ_α⁻¹ Σ_B), Σ_α = (1 - α) Σ_W + α tr(Σ_W)/d I.

    Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 1936, for
    many classes. With ``shrinkage=0`` it is tr(Σ_W⁻¹ Σ_B) = Σ ρ² / (1 - ρ²) over the canonical
    correlations ρ of features and classes, where ``hscore`` is Σ ρ²; features that are constant or
    repeat others do not count then. Σ_W is singular for d > N - C, so α is the Ledoit-Wolf
    intensity for Σ_W by default.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        shrinkage: α in [0, 1); None for Ledoit-Wolf's.

    Raises:
        InputError: The features do not vary inside the classes, or so with ``shrinkage=0`` in a
            direction where they vary between them; every sample has the same features; every
            class a single sample; or α is out of range.
    """
    from scipy.linalg import cholesky, solve_triangular

    require_intensity(shrinkage)
    known = statistics(labelled)
    known.require_within()
    alpha = known.within_shrinkage if shrinkage is None else shrinkage
    # A single feature that varies has an inverse, however far apart the classes are.
    if alpha <= NO_SHRINKAGE * known.n_features and known.n_features > 1:
        return Score(_unshrunk(labelled), details={"shrinkage": alpha})
    factor = cholesky(shrunk(known.within, alpha), lower=True, overwrite_a=True)
    whitened = solve_triangular(factor, known.between_root.T, lower=True, check_finite=False)
    return Score(float(np.square(whitened).sum()), details={"shrinkage": alpha})


def _unshrunk(labelled: Labelled) -> float:
    squared = canonical_correlations(labelled)
    if squared[-1] > 1.0 - _SINGULAR:
        raise InputError(
            "the within-class covariance is singular: classes are told apart exactly",
            "leave shrinkage to the metric",
        )
    return float((squared / (1.0 - squared)).sum())


METRIC = Metric(
    name="fdr",
    summary="Fisher's ratio: variance between classes in units of that inside, shrunk",
    paper="Fisher, Annals of Eugenics 1936",
    version=2,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="Not bounded: one direction that separates perfectly outweighs all others.",
    compute=compute,
    params={"shrinkage": None},
    needs="moments",
    bounds=(0.0, float("inf")),
)
