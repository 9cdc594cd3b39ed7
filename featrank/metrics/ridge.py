"""Ridge regression on the classes' indicators, held out."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.held_out import LinearRule, folded
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Moments
from featrank.metrics._declaration import Metric
from featrank.records import Score


def compute(labelled: Labelled, *, strength: float = 1.0, folds: int = 5, seed: int = 0) -> Score:
    """Held-out balanced accuracy of ridge regression, in closed form.

    Hoerl & Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems",
    Technometrics 1970. On the n rows of a training part, with S ``(n_features, n_features)`` the
    scatter of the centred rows Z and Y ``(n, n_classes)`` the indicators of the classes::

        W = (S + λ I)⁻¹ Zᵀ Y,   λ = strength · tr(S) / n
        predict argmax_c  p_c + (z - μ)·w_c            p_c class shares, μ the mean row

    λ is the total variance: right for weights drawn alike for all features where they explain half
    of the target's variance. It scales with the features and keeps the condition number below
    n + 1. The tie-break is the mean log of the true class's share in the softmax of the outputs;
    they are no log posteriors, so it only orders.

    Edge rules: a training part without variation predicts its largest class. A class of one sample
    has recall 0.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        strength: Of the regularisation, above 0.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds.

    Raises:
        InputError: Every sample has the same features, every class a single sample, or a strength
            that is not positive.
    """
    if not strength > 0:
        raise InputError(f"ridge needs a strength above 0, got {strength}")
    layer = folded(labelled, folds, seed)
    layer.require_variation()
    return layer.score(layer.moments(full=True), lambda training: _fit(training, strength))


def _fit(training: Moments, strength: float) -> LinearRule:
    from scipy.linalg import cho_factor, cho_solve

    present, counts = training.present, training.counts[training.present]
    shares = counts / training.n_samples
    root = training.between_root()
    scatter = training.scatter() + root.T @ root
    trace = np.trace(scatter)
    # A class's column of ZᵀY: the sum of its centred rows.
    target = root.T * np.sqrt(counts)
    if trace > 0:
        scatter[np.diag_indices_from(scatter)] += strength * trace / training.n_samples
        factor = cho_factor(scatter, lower=True, overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, target, check_finite=False)
    else:
        weights = np.zeros_like(target)
    return LinearRule(weights, shares - shares @ training.means @ weights, present)


METRIC = Metric(
    name="ridge",
    summary="held-out accuracy of ridge regression on the classes' indicators",
    paper="Hoerl & Kennard, Technometrics 1970",
    version=2,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="The indicators of many classes mask each other: gda and linear do not mind.",
    compute=compute,
    params={"strength": 1.0, "folds": 5, "seed": 0},
    needs="moments",
    bounds=(0.0, 1.0),
)
