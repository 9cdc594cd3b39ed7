"""pactran against scikit-learn's logistic regression and a Hessian in loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.pactran import METRIC


def naive_pactran(features, labels, strength=10.0):
    features, labels = as_float64(features, labels)
    z = features - features.mean(axis=0)
    z /= np.sqrt((z**2).mean())
    n, d = z.shape
    n_classes = labels.max() + 1
    # strength · N times the loss is strength · Σ loss_i + ½‖W‖².
    probe = LogisticRegression(C=strength, solver="newton-cg", tol=1e-8, max_iter=1000)
    probe.fit(z, labels)
    posteriors = softmax(z @ probe.coef_.T + probe.intercept_, axis=1)
    loss = trace = 0.0
    for i in range(n):
        loss -= math.log(posteriors[i, labels[i]]) / n
        for c in range(n_classes):
            trace += posteriors[i, c] * (1 - posteriors[i, c]) * (z[i] @ z[i]) / n
    lam, sigma2 = strength * n * d, 1 / d
    penalty = (probe.coef_**2).sum() / (2 * lam * sigma2)
    size = n_classes * d
    flatness = size / (2 * lam) * math.log(1 + lam * sigma2 / size * trace)
    return loss + penalty + flatness


@every_case
def test_equals_the_formula(features, labels):
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == pytest.approx(naive_pactran(features, labels), rel=1e-4)
    assert score.details["converged"]
    assert score.value == score.details["loss"] + score.details["flatness"]


def test_features_that_say_nothing_leave_the_entropy():
    # Every row comes with both labels, so W = 0, and tr H = ½ · mean ‖z‖² = ½ · d.
    once = np.random.default_rng(0).standard_normal((20, 4))
    value = METRIC(np.vstack([once, once]), np.repeat([0, 1], 20))
    strength, weights = 10 * 40, 2 * 4
    flatness = weights / (2 * strength * 4) * math.log(1 + strength / weights * 0.5 * 4)
    assert value == pytest.approx(math.log(2) + flatness, rel=1e-9)


def test_a_stronger_prior_variance_fits_better():
    features, labels = gaussian_classes([30, 30], 6)
    losses = [
        METRIC.score(Labelled.from_arrays(features, labels), strength=strength).details["loss"]
        for strength in (0.1, 1.0, 10.0)
    ]
    assert losses == sorted(losses, reverse=True)


def test_scale_and_offset_do_not_matter():
    features, labels = gaussian_classes([20, 20], 6)
    assert METRIC(1e4 * features + 9, labels) == pytest.approx(METRIC(features, labels), rel=1e-6)


def test_strength_must_be_positive():
    with pytest.raises(InputError, match="strength above 0"):
        METRIC(np.eye(4), [0, 1, 0, 1], strength=0.0)
