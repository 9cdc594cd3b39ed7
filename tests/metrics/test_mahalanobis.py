"""mahalanobis against a plain transcription, fold by fold, and its diagnoses."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, folds_of, on_the_grid
from sklearn.metrics import balanced_accuracy_score

from featrank.labelled.labelled import Labelled
from featrank.metrics.mahalanobis import METRIC


def naive_mahalanobis(features, labels):
    z = np.asarray(features, dtype=np.float64)
    predicted, logs, nearest = np.empty(len(labels), int), [], np.empty(len(labels))
    suspect = 0
    for train, test in folds_of(features, labels):
        present = np.unique(labels[train])
        means = np.array([z[train & (labels == c)].mean(axis=0) for c in present])
        centred = z[train] - means[np.searchsorted(present, labels[train])]
        n, d = centred.shape
        covariance = centred.T @ centred / (n - 1)
        precision = np.linalg.inv(covariance + np.trace(covariance) / (n - 1) * np.eye(d))
        for i in np.flatnonzero(test):
            distances = np.array([(z[i] - m) @ precision @ (z[i] - m) for m in means])
            predicted[i], nearest[i] = present[distances.argmin()], distances.min()
            if labels[i] in present:
                own = distances[list(present).index(labels[i])] - distances.min()
                logs.append(-own / 2 - np.log(np.exp((distances.min() - distances) / 2).sum()))
                suspect += logs[-1] < np.log(0.01)
    low, high = np.quantile(nearest, [0.25, 0.75])
    outliers = (nearest > high + 3 * (high - low)).mean()
    accuracy = balanced_accuracy_score(labels, predicted)
    return accuracy, np.mean(logs), outliers, suspect / len(labels)


@on_the_grid
def test_equals_the_formula(case):
    features, labels = features_of(case)
    features[:3] *= 20.0
    score = METRIC.score(Labelled.from_arrays(features, labels))
    accuracy, log_posterior, outliers, suspect = naive_mahalanobis(features, labels)
    assert score.value == pytest.approx(accuracy, rel=1e-6)
    assert score.tie_break == pytest.approx(log_posterior, rel=1e-6)
    assert score.details["outlier_fraction"] == pytest.approx(outliers)
    assert score.details["suspect_label_fraction"] == pytest.approx(suspect)


def test_finds_outliers_and_wrong_labels():
    features, labels = features_of("200x32x4", signal=6.0)
    clean = METRIC.score(Labelled.from_arrays(features, labels))
    assert clean.value == 1.0
    assert clean.details["outlier_fraction"] == clean.details["suspect_label_fraction"] == 0.0
    features[0] += 500.0
    labels[1:7] = (labels[1:7] + 1) % 4
    details = METRIC.score(Labelled.from_arrays(features, labels)).details
    assert details["outlier_fraction"] >= 1 / 200
    assert details["suspect_label_fraction"] >= 6 / 200


def test_collapsed_classes_are_perfect():
    assert METRIC(np.repeat(np.eye(3), 4, axis=0), np.arange(12) // 4) == 1.0


def test_scale_does_not_matter():
    features, labels = features_of("60x256x3")
    assert METRIC(1e-20 * features.astype(float), labels) == METRIC(features, labels)
