"""linear against the loss minimised to the last digits, fold by fold."""

from __future__ import annotations

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.metrics import balanced_accuracy_score

from featrank.errors import InputError
from featrank.labelled.folds import stratified_folds
from featrank.labelled.labelled import Labelled
from featrank.metrics.linear import METRIC


def naive_linear(features, labels, c=1.0):
    fold_of = stratified_folds(Labelled.from_arrays(features, labels))
    features, labels = as_float64(features, labels)
    predicted, log_posteriors = np.empty_like(labels), []
    for fold in range(fold_of.max() + 1):
        test, train = fold_of == fold, fold_of != fold
        mean, std = features[train].mean(axis=0), features[train].std(axis=0)
        z, y = (features[train] - mean) / std, labels[train]
        present = np.unique(y)
        weights = _minimise(z, (y[:, None] == present).astype(float), c)
        posteriors = log_softmax((features[test] - mean) / std @ weights[:-1] + weights[-1], axis=1)
        predicted[test] = present[posteriors.argmax(axis=1)]
        for row, label in zip(posteriors, labels[test], strict=True):
            if label in present:
                log_posteriors.append(row[np.searchsorted(present, label)])
    return balanced_accuracy_score(labels, predicted), np.mean(log_posteriors)


def _minimise(z, one_hot, c):
    shape = (z.shape[1] + 1, one_hot.shape[1])

    def loss(flat):
        weights = flat.reshape(shape)
        posteriors = log_softmax(z @ weights[:-1] + weights[-1], axis=1)
        residual = c * (np.exp(posteriors) - one_hot)
        gradient = np.vstack([z.T @ residual + weights[:-1], residual.sum(axis=0)])
        value = -c * (one_hot * posteriors).sum() + 0.5 * (weights[:-1] ** 2).sum()
        return value, gradient.ravel()

    options = {"maxiter": 5000, "gtol": 1e-7, "ftol": 0.0}
    start = np.zeros(shape).ravel()
    return minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x.reshape(shape)


@every_case
def test_equals_the_formula(features, labels):
    score = METRIC.score(Labelled.from_arrays(features, labels))
    accuracy, log_posterior = naive_linear(features, labels)
    assert score.value == pytest.approx(accuracy, rel=1e-4)
    assert score.tie_break == pytest.approx(log_posterior, rel=1e-4)


def test_two_classes():
    # scikit-learn solves these by one vector of weights, half as far from zero in the penalty.
    features, labels = gaussian_classes([40, 40], 4, signal=8.0)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == 1.0
    assert -0.1 < score.tie_break < 0


def test_stronger_penalties_reach_the_probe():
    features, labels = gaussian_classes([30, 30, 30], 6)
    weak = METRIC.score(Labelled.from_arrays(features, labels), c=1e-6)
    assert weak.tie_break == pytest.approx(np.log(1 / 3), abs=1e-3)


def test_constant_columns_and_scale_do_not_matter():
    features, labels = gaussian_classes([20, 20, 20], 5)
    wider = np.hstack([1e3 * features, np.full((60, 2), 7.0)])
    plain = METRIC.score(Labelled.from_arrays(features, labels))
    other = METRIC.score(Labelled.from_arrays(wider, labels))
    assert other.value == plain.value
    assert other.tie_break == pytest.approx(plain.tie_break, rel=1e-4)


def test_a_training_part_of_one_class_predicts_it():
    features, labels = gaussian_classes([9, 1], 3)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == 0.5
    assert score.details["unpredictable"] == 1


def test_c_must_be_positive():
    with pytest.raises(InputError, match="c above 0"):
        METRIC(np.eye(4), [0, 1, 0, 1], c=0.0)


def test_a_class_for_nearly_every_row_is_no_warning(recwarn):
    features, labels = gaussian_classes([2] * 30, 4)
    METRIC(features, labels)
    assert not recwarn.list
