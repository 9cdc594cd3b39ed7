"""Gaussian discriminant analysis, held out."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.metrics.declaration import Metric
from featrank.metrics.held_out import Float64Array, FoldedLayer, LinearRule, Moments
from featrank.metrics.labelled import Labelled
from featrank.records import Score

# Rows have length 1: a spread below this is rounding.
_NEGLIGIBLE = 1e-12


def compute(labelled: Labelled, *, folds: int = 5, seed: int = 0) -> Score:
    """Held-out balanced accuracy of Gaussian discriminant analysis with one shared covariance.

    Wang et al., "A Hard-to-Beat Baseline for Training-free CLIP-based Adaptation", ICLR 2024
    (arXiv 2402.04087), without CLIP's text logits. With rows z of length 1, and on the n rows and
    C' classes of a training part the class means μ_c ``(n_features,)`` and the covariance Σ of
    the class-centred rows (denominator n - 1)::

        P = d · [(n - 1) Σ + tr(Σ) I]⁻¹              the Kubokawa-Srivastava precision
        predict argmax_c  z·P μ_c - ½ μ_cᵀ P μ_c + ln(1 / C')

    P is off the scale of a precision by d / (n - 1), which no argmax sees; the tie-break, the mean
    log posterior of the true class, uses P · (n - 1) / d. Never in-sample: on noise with d > n the
    training rows are classified perfectly.

    Edge rules: a zero row stays zero. Without any variation inside the classes of a training part
    the nearest class mean is predicted, which is the rule's limit, with a log posterior of unit
    variance. A class of one sample has recall 0.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds.

    Raises:
        InputError: The rows do not differ in direction, or every class has one sample.
    """
    layer = FoldedLayer(labelled, folds, seed, prepare=_unit_rows)
    moments = layer.moments(full=True)
    low = np.min([part.low for part in moments], axis=0)
    high = np.max([part.high for part in moments], axis=0)
    if (high - low).max() <= _NEGLIGIBLE:
        raise InputError("features are constant: all rows have the same direction")
    return layer.score(moments, _fit)


def _unit_rows(rows: Float64Array) -> Float64Array:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Float64Array = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return unit


def _fit(training: Moments) -> LinearRule:
    from scipy.linalg import cho_factor, cho_solve

    means, present = training.means, training.present
    scatter = training.scatter()
    trace = np.trace(scatter)
    degrees = training.n_samples - 1
    if trace <= _NEGLIGIBLE**2 * training.n_samples:
        weights = means.T
    else:
        # (n - 1) Σ is the scatter, so d · P⁻¹ is this; its condition number is at most n.
        scatter[np.diag_indices_from(scatter)] += trace / degrees
        factor = cho_factor(scatter, lower=True, overwrite_a=True, check_finite=False)
        weights = degrees * cho_solve(factor, means.T, check_finite=False)
    bias = -0.5 * np.einsum("cd,dc->c", means, weights) - np.log(len(present))
    return LinearRule(weights, bias, present)


METRIC = Metric(
    name="gda",
    summary="held-out accuracy of Gaussian discriminant analysis, shared covariance",
    paper="Wang et al., ICLR 2024, arXiv 2402.04087",
    version=1,
    higher_is_better=True,
    predicts="linear probe",
    compute=compute,
    params={"folds": 5, "seed": 0},
    bounds=(0.0, 1.0),
)
