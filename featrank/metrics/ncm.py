"""Nearest class mean, held out."""

from __future__ import annotations

import numpy as np

from featrank.labelled.held_out import LinearRule, folded
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Moments
from featrank.metrics._declaration import Metric
from featrank.records import Score


def compute(labelled: Labelled, *, folds: int = 5, seed: int = 0) -> Score:
    """Held-out balanced accuracy of the nearest class mean, in Euclidean distance.

    Mensink et al., "Distance-Based Image Classification: Generalizing to New Classes at Near-Zero
    Cost", TPAMI 2013. With the class means μ_c ``(n_features,)`` of a training part::

        predict argmin_c ‖z - μ_c‖²

    The tie-break is the mean log posterior of the true class under uniform priors and one variance
    for all features and classes, the mean squared deviation from the class means.

    Edge rules: without any variation inside the classes that variance is 1. A class of one sample
    has recall 0.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds.

    Raises:
        InputError: Every sample has the same features, or every class a single sample.
    """
    layer = folded(labelled, folds, seed)
    layer.require_variation()
    return layer.score(layer.moments(full=False), _fit)


def _fit(training: Moments) -> LinearRule:
    means = training.means
    variance = float(training.scatter().mean()) / training.n_samples
    weights = means.T / (variance if variance > 0.0 else 1.0)
    return LinearRule(weights, -0.5 * np.einsum("cd,dc->c", means, weights), training.present)


METRIC = Metric(
    name="ncm",
    summary="held-out accuracy of the nearest class mean",
    paper="Mensink et al., TPAMI 2013",
    version=2,
    higher_is_better=True,
    predicts="few-shot",
    cost="N C d",
    traps="Features of large scale decide alone: nothing is whitened.",
    compute=compute,
    params={"folds": 5, "seed": 0},
    needs="moments",
    bounds=(0.0, 1.0),
)
