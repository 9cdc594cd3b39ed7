"""Gaussian discriminant analysis, held out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

import numpy as np

from featrank.errors import InputError
from featrank.labelled.held_out import FoldedLayer, LinearRule, folded
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Float64Array, Moments
from featrank.labelled.unit_rows import unit_rows
from featrank.metrics._declaration import Metric
from featrank.records import Score

# Of the largest value: a smaller spread is rounding.
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
    layer = folded(labelled, folds, seed, unit_rows)
    return layer.evaluate(discriminant_rules(labelled, folds, seed))


def discriminant_rules(labelled: Labelled, folds: int, seed: int) -> list[LinearRule]:
    """The rule of each fold, shared by the metrics that read it.

    Raises:
        InputError: The rows do not differ in direction, or every class has one sample.
    """

    def fit() -> list[LinearRule]:
        # A loop's variable would keep one fold's factor alive while the next one is made.
        return list(
            map(attrgetter("rule"), tied_gaussians(folded(labelled, folds, seed, unit_rows)))
        )

    return labelled.remember(("discriminant rules", folds, seed), fit)


@dataclass(frozen=True, slots=True)
class TiedGaussians:
    """One Gaussian a class with a shared covariance.

    Attributes:
        rule: Log posteriors under uniform priors.
        factor: Upper triangular R ``(n_features, n_features)`` with the precision (RᵀR)⁻¹; None
            for the identity.
    """

    rule: LinearRule
    factor: Float64Array | None


def tied_gaussians(layer: FoldedLayer) -> Iterator[TiedGaussians]:
    """The Gaussians of each fold, trained on the others.

    Raises:
        InputError: The layer's rows are all equal.
    """
    moments = layer.moments(full=True)
    low = np.min([part.low for part in moments], axis=0)
    high = np.max([part.high for part in moments], axis=0)
    largest = max(np.abs(low + layer.shift).max(), np.abs(high + layer.shift).max())
    negligible = float(_NEGLIGIBLE * largest)
    if (high - low).max() <= negligible:
        raise InputError("features are constant: all rows have the same direction")
    return map(partial(fit_gaussians, negligible=negligible), layer.training(moments))


def fit_gaussians(training: Moments, negligible: float = _NEGLIGIBLE) -> TiedGaussians:
    """The Gaussians of a training part.

    Args:
        training: All second moments of rows of length 1.
        negligible: A spread that is rounding.
    """
    from scipy.linalg import cho_solve, cholesky

    means, present = training.means, training.present
    scatter = training.scatter(whole=False)
    trace = np.trace(scatter)
    degrees = training.n_samples - 1
    factor = None
    if trace <= negligible**2 * training.n_samples:
        weights = means.T
    else:
        # (n - 1) Σ is the scatter, so this is d / (n - 1) · P⁻¹; its condition number is at most n.
        scatter /= degrees
        scatter[np.diag_indices_from(scatter)] += trace / degrees / degrees
        factor = cholesky(scatter, overwrite_a=True, check_finite=False)
        weights = cho_solve((factor, False), means.T, check_finite=False)
    bias = -0.5 * np.einsum("cd,dc->c", means, weights) - np.log(len(present))
    return TiedGaussians(LinearRule(weights, bias, present), factor)


METRIC = Metric(
    name="gda",
    summary="held-out accuracy of Gaussian discriminant analysis, shared covariance",
    paper="Wang et al., ICLR 2024, arXiv 2402.04087",
    version=2,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="In-sample it is 1 on noise where d > N; only the held-out number means anything.",
    compute=compute,
    params={"folds": 5, "seed": 0},
    needs="moments",
    bounds=(0.0, 1.0),
)
