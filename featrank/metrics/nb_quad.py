"""Gaussian naive Bayes with variances of each class, held out."""

from __future__ import annotations

import numpy as np

from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.cross_fit import Classifier, cross_fit
from featrank.labelled.labelled import Labelled
from featrank.metrics._declaration import Metric
from featrank.records import IntArray, Score

# More rows are sampled down to about this many.
_MAX_ROWS = 20_000

# Added to every variance, as for nb.
_FLOOR = 1e-9

# A range below this counts as constant: its reciprocal's square would overflow.
_NEGLIGIBLE = 1e-100


def compute(labelled: Labelled, *, folds: int = 5, seed: int = 0) -> Score:
    """Held-out balanced accuracy of naive Bayes with a diagonal covariance for each class.

    The quadratic classifier that is commonly meant by Gaussian naive Bayes (Murphy, "Machine
    Learning", MIT Press 2012, section 3.5), beside nb, which shares one variance between the
    classes. On a training part, with features z scaled to [0, 1] there, class shares p_c, means
    μ_c and population variances v_c ``(n_features,)``::

        v_cj = Var_c[z_j] + 1e-9
        predict argmax_c  ln p_c - ½ Σ_j [ln v_cj + (z_j - μ_cj)² / v_cj]

    The tie-break is the mean log posterior of the true class. Where a class never uses a feature,
    as after a ReLU, its variance is next to nothing and one other value outweighs all the rest:
    compare with nb.

    Edge rules: a feature that is constant in a training part is dropped there; without any left
    the largest class is predicted. A class of one training row takes the pooled variances. A class
    of one sample has recall 0.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 20 000 rows a sample of
            each class is taken; ``details`` say so.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds, and chooses the sample.

    Raises:
        InputError: Features are constant, or every class has one sample.
    """
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    return cross_fit(sample, folds, seed, _train).score({"seed": seed, **details})


def _train(rows: Float64Array, labels: IntArray) -> Classifier:
    from scipy.special import log_softmax

    low, width = rows.min(axis=0), np.ptp(rows, axis=0)
    kept = width > _NEGLIGIBLE
    low, width = low[kept], width[kept]
    scaled = (rows[:, kept] - low) / width
    # Around the mean, which cancels, the squares lose fewer digits.
    centre = scaled.mean(axis=0)
    scaled -= centre
    _, labels = np.unique(labels, return_inverse=True)
    means, variances = _class_moments(scaled, labels)
    log_shares = np.log(np.bincount(labels) / len(labels))
    precisions = 1 / variances
    weights = means * precisions
    bias = log_shares - 0.5 * (np.log(variances) + means * weights).sum(axis=1)

    def classify(tested: Float64Array) -> Float64Array:
        tested = (tested[:, kept] - low) / width - centre
        logits = tested @ weights.T - 0.5 * np.square(tested) @ precisions.T + bias
        posteriors: Float64Array = log_softmax(logits, axis=1)
        return posteriors

    return classify


def _class_moments(rows: Float64Array, labels: IntArray) -> tuple[Float64Array, Float64Array]:
    """Means and variances, ``(n_classes, n_features)``."""
    counts = np.bincount(labels)
    means = np.empty((len(counts), rows.shape[1]))
    scatter = np.empty_like(means)
    for label in range(len(counts)):
        own = rows[labels == label]
        means[label] = own.mean(axis=0)
        scatter[label] = np.square(own - means[label]).sum(axis=0)
    variances = scatter / counts[:, None]
    variances[counts == 1] = scatter.sum(axis=0) / len(rows)
    return means, variances + _FLOOR


METRIC = Metric(
    name="nb_quad",
    summary="held-out accuracy of naive Bayes, a diagonal covariance for each class",
    paper="Murphy, MIT Press 2012, section 3.5",
    version=2,
    higher_is_better=True,
    predicts="few-shot",
    cost="N C d",
    traps="A feature that a class never uses has no variance there, and one other value"
    " outweighs all the rest.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"folds": 5, "seed": 0},
    bounds=(0.0, 1.0),
)
