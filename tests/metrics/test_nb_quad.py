"""nb_quad against a plain transcription of its formula, and scikit-learn's GaussianNB."""

from __future__ import annotations

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from sklearn.metrics import balanced_accuracy_score
from sklearn.naive_bayes import GaussianNB

from featrank.errors import InputError
from featrank.labelled.folds import stratified_folds
from featrank.labelled.labelled import Labelled
from featrank.metrics.nb_quad import METRIC


def naive_nb_quad(features, labels):
    fold_of = stratified_folds(Labelled.from_arrays(features, labels))
    features, labels = as_float64(features, labels)
    predicted, log_posteriors = np.empty_like(labels), []
    for fold in range(fold_of.max() + 1):
        train = fold_of != fold
        low, high = features[train].min(axis=0), features[train].max(axis=0)
        kept = high > low
        scaled = (features[:, kept] - low[kept]) / (high[kept] - low[kept])
        z, y = scaled[train], labels[train]
        present = np.unique(y)
        pooled = sum(((z[y == c] - z[y == c].mean(axis=0)) ** 2).sum(axis=0) for c in present)
        for i in np.flatnonzero(fold_of == fold):
            logits = []
            for c in present:
                own = z[y == c]
                variance = (own.var(axis=0) if len(own) > 1 else pooled / len(z)) + 1e-9
                distance = (np.log(variance) + (scaled[i] - own.mean(axis=0)) ** 2 / variance).sum()
                logits.append(np.log(len(own) / len(z)) - 0.5 * distance)
            logits = np.array(logits) - max(logits)
            predicted[i] = present[logits.argmax()]
            if labels[i] in present:
                true = logits[np.searchsorted(present, labels[i])]
                log_posteriors.append(true - np.log(np.exp(logits).sum()))
    return balanced_accuracy_score(labels, predicted), np.mean(log_posteriors)


@every_case
def test_equals_the_formula(features, labels):
    score = METRIC.score(Labelled.from_arrays(features, labels))
    accuracy, log_posterior = naive_nb_quad(features, labels)
    assert score.value == pytest.approx(accuracy, rel=1e-6)
    assert score.tie_break == pytest.approx(log_posterior, rel=1e-6)


def test_agrees_with_scikit_learn():
    features, labels = gaussian_classes([60, 50, 40], 12)
    fold_of = stratified_folds(Labelled.from_arrays(features, labels))
    predicted = np.empty_like(labels)
    for fold in range(5):
        train = fold_of != fold
        classifier = GaussianNB().fit(features[train], labels[train])
        predicted[~train] = classifier.predict(features[~train])
    assert METRIC(features, labels) == balanced_accuracy_score(labels, predicted)


@pytest.mark.parametrize("counts", [[15, 1, 12], [3, 2, 4], [20, 2]])
def test_small_classes_and_constant_columns(counts):
    features, labels = gaussian_classes(counts, 5)
    features[:, 1] = 2.5
    score = METRIC.score(Labelled.from_arrays(features, labels))
    accuracy, log_posterior = naive_nb_quad(features, labels)
    assert score.value == pytest.approx(accuracy, rel=1e-6)
    assert score.tie_break == pytest.approx(log_posterior, rel=1e-6)


def test_sees_what_means_do_not_tell():
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    features = rng.standard_normal((400, 20)) * np.where(labels, 3.0, 1.0)[:, None]
    assert METRIC(features, labels) > 0.95


def test_nothing_left_in_a_training_part_predicts_the_largest_class():
    # One row differs; where it is held out, the training part has no feature left.
    features = np.zeros((12, 2))
    features[0] = 1.0
    score = METRIC.score(Labelled.from_arrays(features, [1] + [0] * 8 + [1] * 3))
    assert score.value >= 0.5


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        METRIC(np.ones((12, 3)), np.arange(12) % 2)
