"""v_info against a plain transcription, fold by fold."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, folds_of, on_the_grid

from featrank.labelled.labelled import Labelled
from featrank.metrics.v_info import METRIC


def naive_v_info(features, labels):
    z = np.asarray(features, dtype=np.float64)
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    logs = []
    for train, test in folds_of(features, labels):
        present = np.unique(labels[train])
        means = np.array([z[train & (labels == c)].mean(axis=0) for c in present])
        priors = np.array([(labels[train] == c).mean() for c in present])
        centred = z[train] - means[np.searchsorted(present, labels[train])]
        n, d = centred.shape
        covariance = centred.T @ centred / (n - 1)
        precision = np.linalg.inv(covariance + np.trace(covariance) / (n - 1) * np.eye(d))
        for i in np.flatnonzero(test & np.isin(labels, present)):
            logits = [np.log(p) - (z[i] - m) @ precision @ (z[i] - m) / 2
                      for p, m in zip(priors, means, strict=True)]  # fmt: skip
            top = max(logits)
            own = logits[list(present).index(labels[i])]
            logs.append(own - top - np.log(np.exp(np.array(logits) - top).sum()))
    shares = np.bincount(labels) / len(labels)
    return -(shares * np.log(shares)).sum() + np.mean(logs)


@on_the_grid
def test_equals_the_formula(case):
    features, labels = features_of(case)
    expected = naive_v_info(features, labels)
    assert METRIC(features, labels) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_reaches_the_entropy_where_classes_are_plain():
    features, labels = features_of("200x32x4", signal=20.0)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.details["entropy"] == pytest.approx(np.log(4))
    assert score.value == pytest.approx(np.log(4), rel=1e-6)


def test_noise_tells_nothing():
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((600, 10)), np.arange(600) % 3
    assert METRIC(features, labels) == pytest.approx(0.0, abs=0.05)


def test_rows_that_cannot_be_predicted_play_no_part_in_the_entropy_either():
    """Noise tells nothing, however many classes have a single row."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.zeros(1500, int), np.arange(1, 501)])
    features = rng.standard_normal((2000, 16))
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.details["left_out"] == 500
    assert score.remarks == ("left out, there being too few of their class: 500",)
    assert score.details["entropy"] == 0.0
    assert score.value < 0.01
    labels = np.concatenate([np.arange(400) % 4, 4 + np.arange(20)])
    score = METRIC.score(Labelled.from_arrays(features[:420], labels))
    assert score.details["entropy"] == pytest.approx(np.log(4))
    assert score.value < 0.0


def test_bound_is_the_entropy_of_what_can_be_predicted():
    assert METRIC.bounds_for is not None
    features, labels = np.eye(8), [0, 0, 0, 0, 1, 1, 2, 3]
    expected = np.log(6) - (4 * np.log(4) + 2 * np.log(2)) / 6
    assert METRIC.bounds_for(Labelled.from_arrays(features, labels))[1] == pytest.approx(expected)
    groups = np.arange(8) // 2
    found = METRIC.bounds_for(Labelled.from_arrays(features, labels, groups))
    assert found[1] == pytest.approx(np.log(4))
