"""Nearest class in Mahalanobis distance, held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from featrank.labelled.held_out import FoldedLayer, folded
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Float64Array
from featrank.metrics._declaration import Metric
from featrank.metrics.gda import TiedGaussians, tied_gaussians
from featrank.records import Score

# Tukey's outer fence.
_FENCE = 3.0

# A label is suspect where its held-out posterior is below this.
_SUSPECT = 0.01


def compute(labelled: Labelled, *, folds: int = 5, seed: int = 0) -> Score:
    """Held-out balanced accuracy of the nearest class in Mahalanobis distance.

    Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
    Adversarial Attacks", NeurIPS 2018 (arXiv 1807.03888): class-conditional Gaussians with one
    covariance. On the n rows of a training part, with the class means μ_c and the covariance Σ of
    the class-centred rows (denominator n - 1)::

        M_c(z) = (z - μ_c)ᵀ [Σ + tr(Σ) / (n - 1) I]⁻¹ (z - μ_c),     predict argmin_c M_c(z)

    ``gda`` without the normalisation of rows, so their lengths count. The tie-break is the mean log
    posterior of the true class under uniform priors.

    ``details`` read the distances as diagnoses of the data: ``outlier_fraction``, the rows whose
    distance to the nearest class lies beyond the third quartile by more than 3 interquartile
    ranges, and ``suspect_label_fraction``, the rows whose label has a posterior below 0.01.

    Edge rules: without any variation inside the classes the distance is Euclidean. A class of one
    sample has recall 0.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds.

    Raises:
        InputError: Every sample has the same features, or every class a single sample.
    """
    layer = folded(labelled, folds, seed)
    layer.require_variation()
    gaussians = list(tied_gaussians(layer))
    score = layer.evaluate([gaussian.rule for gaussian in gaussians])
    return replace(score, details={**score.details, **_diagnoses(layer, gaussians)})


def _diagnoses(layer: FoldedLayer, gaussians: Sequence[TiedGaussians]) -> dict[str, float]:
    nearest: list[Float64Array] = []
    suspect = 0
    for fold, labels, rows in layer.blocks():
        rule, factor = gaussians[fold].rule, gaussians[fold].factor
        logits = rule(rows)
        best = logits.max(axis=1)
        # ln P(z | c) - ln P(z | 0): the distance lacks what all classes share.
        nearest.append(_squared_lengths(rows, factor) - 2 * (best + np.log(len(rule.classes))))
        own = np.where(rule.classes == labels[:, None], logits, -np.inf).max(axis=1)
        evidence = best + np.log(np.exp(logits - best[:, None]).sum(axis=1))
        suspect += int(((own - evidence < np.log(_SUSPECT)) & np.isfinite(own)).sum())
    distances = np.concatenate(nearest)
    low, high = np.quantile(distances, [0.25, 0.75])
    return {
        "outlier_fraction": float((distances > high + _FENCE * (high - low)).mean()),
        "suspect_label_fraction": suspect / len(distances),
    }


def _squared_lengths(rows: Float64Array, factor: Float64Array | None) -> Float64Array:
    """zᵀ P z of each row."""
    from scipy.linalg import solve_triangular

    if factor is not None:
        rows = solve_triangular(factor, rows.T, trans="T", check_finite=False).T
    return np.asarray(np.einsum("ij,ij->i", rows, rows))


METRIC = Metric(
    name="mahalanobis",
    summary="held-out accuracy of the nearest class in Mahalanobis distance",
    paper="Lee et al., NeurIPS 2018, arXiv 1807.03888",
    version=2,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="The lengths of rows count: outliers move it more than gda.",
    compute=compute,
    params={"folds": 5, "seed": 0},
    needs="moments",
    bounds=(0.0, 1.0),
)
