"""Gaussian Bhattacharyya coefficient."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.labelled import Labelled
from featrank.labelled.principal_components import principal_components
from featrank.labelled.remarks import classes_of_one
from featrank.metrics._declaration import Bounds, Metric
from featrank.records import IntArray, Score

# More rows are sampled down to about this many.
_MAX_ROWS = 20_000

# Of the mean variance of the components: smaller variances count as this.
_FLOOR = 1e-6


def compute(labelled: Labelled, *, n_components: int = 64, seed: int = 0) -> Score:
    """How much the classes overlap, as Gaussians with diagonal covariances.

    Pándy et al., "Transferability Estimation using Bhattacharyya Class Separability", CVPR 2022
    (arXiv 2111.12780). On the first 64 principal components, with means μ_c and population
    variances v_c ``(n_components,)`` of each class::

        D_B(c, c') = ⅛ Σ_j (μ_cj - μ_c'j)² / v̄_j + ½ Σ_j [ln v̄_j - ½ ln v_cj - ½ ln v_c'j]
        v̄ = (v_c + v_c') / 2
        GBC = -Σ_{c ≠ c'} exp(-D_B(c, c'))

    over ordered pairs, so between -C (C - 1) and 0. Determinants are sums of logarithms here; as
    products they underflow, which takes many published values out of these bounds. The tie-break
    is -ln(-GBC), which still tells apart what has rounded to 0.

    Edge rules: variances below 1e-6 of the components' mean variance count as that; a class of one
    sample takes the pooled variances inside the classes.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 20 000 rows a sample of
            each class is taken; ``details`` say so.
        n_components: Principal components, fewer where there are no more.
        seed: Chooses the sample.

    Raises:
        InputError: Features are constant, or every class has one sample.
    """
    if labelled.counts.max() < 2:
        raise InputError("every class has a single sample: a class needs two to have a variance")
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    scores = principal_components(sample.features, n_components)
    means, variances = _class_gaussians(scores, sample.labels, sample.counts)
    log_overlaps = _log_overlaps(means, variances)
    single = int((sample.counts == 1).sum())
    details = {
        "principal_components": scores.shape[1],
        "classes_of_one": single,
        **details,
    }
    # Rounding could leave an overlap just above that of equal classes.
    value = -float(np.exp(np.minimum(log_overlaps, 0.0)).sum())
    tie_break = -float(np.logaddexp.reduce(log_overlaps))
    return Score(value, tie_break, details, remarks=tuple(classes_of_one(single)))


def _class_gaussians(
    scores: Float64Array, labels: IntArray, counts: IntArray
) -> tuple[Float64Array, Float64Array]:
    """Means and variances, ``(n_classes, n_components)``."""
    means = np.empty((len(counts), scores.shape[1]))
    scatter = np.empty_like(means)
    for label in range(len(counts)):
        rows = scores[labels == label]
        means[label] = rows.mean(axis=0)
        scatter[label] = np.square(rows - means[label]).sum(axis=0)
    variances = scatter / counts[:, None]
    variances[counts == 1] = scatter.sum(axis=0) / len(scores)
    return means, np.maximum(variances, _FLOOR * np.square(scores).mean())


def _log_overlaps(means: Float64Array, variances: Float64Array) -> Float64Array:
    """-D_B of all ordered pairs of different classes, ``(C (C - 1),)``."""
    half_logs = 0.5 * np.log(variances).sum(axis=1)
    overlaps = np.empty((len(means), len(means)))
    for label in range(len(means)):
        between = 0.5 * (variances + variances[label])
        distance = 0.125 * (np.square(means - means[label]) / between).sum(axis=1)
        shape = 0.5 * (np.log(between).sum(axis=1) - half_logs - half_logs[label])
        overlaps[label] = -(distance + shape)
    return overlaps[~np.eye(len(means), dtype=np.bool_)]


def bounds_for(labelled: Labelled) -> Bounds:
    """-C (C - 1) to 0."""
    return -float(labelled.n_classes * (labelled.n_classes - 1)), 0.0


METRIC = Metric(
    name="gbc",
    summary="minus the overlap of the classes as diagonal Gaussians",
    paper="Pándy et al., CVPR 2022, arXiv 2111.12780",
    version=2,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N d·min(N, d)",
    traps="Only the first 64 components count, whether or not they hold the classes;"
    " published values often underflow.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"n_components": 64, "seed": 0},
    bounds=(float("-inf"), 0.0),
    bounds_for=bounds_for,
)
