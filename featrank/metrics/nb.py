"""Multiclass naive Bayes, held out."""

from __future__ import annotations

import numpy as np

from featrank.labelled.held_out import NEGLIGIBLE, LinearRule, folded
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Moments
from featrank.metrics._declaration import Metric
from featrank.records import Score

# Added to every variance, as in the paper and scikit-learn.
_FLOOR = 1e-9


def compute(labelled: Labelled, *, folds: int = 5, seed: int = 0) -> Score:
    """Held-out balanced accuracy of naive Bayes with one diagonal covariance.

    Zheng et al., "Revisiting Discriminative vs. Generative Classifiers: Theory and Implications",
    ICML 2023 (arXiv 2302.02334). On a training part, with features z scaled to [0, 1] there,
    class shares p_c and class means μ_c ``(n_features,)``::

        v_j = Σ_c p_c (Var_c[z_j] + 1e-9)            population variances, pooled
        predict argmax_c  ln p_c - ½ Σ_j (z_j - μ_cj)² / v_j

    One v for all classes makes it linear; scikit-learn's GaussianNB is another, quadratic
    classifier. The tie-break is the mean log posterior of the true class.

    Edge rules: a feature that is constant in a training part is dropped there, or 1e-9 would
    dominate; without any feature left the largest class is predicted. A class of one sample has
    recall 0.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds.

    Raises:
        InputError: All features are constant, or every class has one sample.
    """
    layer = folded(labelled, folds, seed)
    layer.require_variation()
    return layer.score(layer.moments(full=False), fit_naive_bayes)


def fit_naive_bayes(training: Moments) -> LinearRule:
    """The rule on unscaled features: the offset of the scaling cancels, its width is divided by."""
    width = training.high - training.low
    kept = width > NEGLIGIBLE
    width = np.where(kept, width, 1.0)
    variance = training.scatter() / training.n_samples / width / width + _FLOOR
    scaled_means = training.means / width
    scaled_weights = np.where(kept, scaled_means / variance, 0.0)
    present = training.present
    prior = np.log(training.counts[present] / training.n_samples)
    bias = prior - 0.5 * (scaled_means * scaled_weights).sum(axis=1)
    return LinearRule((scaled_weights / width).T, bias, present)


METRIC = Metric(
    name="nb",
    summary="held-out accuracy of naive Bayes, pooled diagonal covariance",
    paper="Zheng et al., ICML 2023, arXiv 2302.02334",
    version=2,
    higher_is_better=True,
    predicts="few-shot",
    cost="N C d",
    traps="Correlated features count twice, so with many images the probe overtakes it.",
    compute=compute,
    params={"folds": 5, "seed": 0},
    needs="moments",
    bounds=(0.0, 1.0),
)
