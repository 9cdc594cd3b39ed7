"""Class-distance normalised variance."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.class_statistics import ClassStatistics, statistics
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Float64Array
from featrank.labelled.remarks import left_out
from featrank.metrics._declaration import Metric
from featrank.records import Score

# Of the naive squared distances: what is kept of them at least after the bias is taken off.
_LEAST = 1e-3


def compute(labelled: Labelled, *, debias: bool = True) -> Score:
    """Σ (v_i + v_j) / 2 Σ (‖μ_i - μ_j‖² - v_i/n_i - v_j/n_j) over pairs of classes.

    Galanti, György & Hutter, "On the Role of Neural Collapse in Transfer Learning", ICLR 2022
    (arXiv 2112.15121); v_c is the trace of class c's covariance (denominator n_c - 1). Lower is
    better. The paper's mean over pairs of (v_i + v_j) / (2 ‖μ_i - μ_j‖²) is ``debias=False``: it
    takes the noise of the means for distance, and at 4 samples a class reads 1.01 where the truth
    is 2.00. Taking off that noise leaves denominators near zero, hence a ratio of sums.

    Edge rules: classes of one sample, whose variance is unknown, are left out and counted. Where
    taking off the noise leaves less than a thousandth of the squared distances, a thousandth is
    used and ``floored`` says so: the classes are not told apart.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        debias: Whether the noise of the means is taken off.

    Raises:
        InputError: Fewer than two classes have two samples, or class means are equal: all of them,
            or two of them without ``debias``.
    """
    known = statistics(labelled)
    several = np.flatnonzero(known.counts > 1)
    if len(several) < 2:
        raise InputError(
            "cdnv needs two classes of two samples, there is one",
            "add images: a class's variance takes two samples",
        )
    distances, variances, noise = _pairs(known, several)
    if (distances.max() if debias else distances.min()) <= known.rounding_of_means:
        raise InputError("classes have the same mean")
    n_left_out = known.n_classes - len(several)
    if not debias:
        return Score(
            float((variances / (2 * distances)).mean()),
            details={"left_out": n_left_out},
            remarks=tuple(left_out(n_left_out)),
        )
    naive, unbiased = float(distances.sum()), float((distances - noise).sum())
    floored = unbiased < _LEAST * naive
    value = float(variances.sum()) / (2 * max(unbiased, _LEAST * naive))
    remarks = list(left_out(n_left_out))
    if floored:
        remarks.append("the classes are not told apart: the number is a limit")
    details = {"left_out": n_left_out, "floored": floored}
    return Score(value, details=details, remarks=tuple(remarks))


def _pairs(
    known: ClassStatistics, several: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Of each pair: squared distance of the means, sum of the variances, their share of it."""
    from scipy.spatial.distance import pdist

    counts = known.counts[several]
    means = known.between_root[several] / np.sqrt(known.shares[several, None])
    variances = known.spreads[several] / (counts - 1)
    first, second = np.triu_indices(len(several), 1)
    noise = variances / counts
    return (
        pdist(means, "sqeuclidean"),
        variances[first] + variances[second],
        noise[first] + noise[second],
    )


METRIC = Metric(
    name="cdnv",
    summary="variance inside classes in units of the squared distance of their means, debiased",
    paper="Galanti, György & Hutter, ICLR 2022, arXiv 2112.15121",
    version=2,
    higher_is_better=False,
    predicts="few-shot",
    cost="N d² + C² d",
    traps="Two classes with nearly equal means dominate an undebiased one, and few images"
    " a class halve it: both are dealt with here.",
    compute=compute,
    params={"debias": True},
    needs="moments",
    bounds=(0.0, float("inf")),
)
