"""gbc against matrices and determinants, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from sklearn.decomposition import PCA

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.gbc import METRIC


def naive_gbc(features, labels):
    features, labels = as_float64(features, labels)
    n_components = min(64, len(features) - 1, features.shape[1])
    scores = PCA(n_components, svd_solver="full").fit_transform(features)
    total = 0.0
    for a in range(labels.max() + 1):
        for b in range(labels.max() + 1):
            if a != b:
                total += np.exp(-_bhattacharyya(scores[labels == a], scores[labels == b]))
    return -total


def _bhattacharyya(first, second):
    difference = first.mean(axis=0) - second.mean(axis=0)
    one, two = np.diag(first.var(axis=0)), np.diag(second.var(axis=0))
    between = (one + two) / 2
    logs = [np.linalg.slogdet(matrix)[1] for matrix in (between, one, two)]
    distance = difference @ np.linalg.inv(between) @ difference / 8
    return distance + 0.5 * (logs[0] - 0.5 * (logs[1] + logs[2]))


@every_case
def test_equals_the_formula(features, labels):
    assert METRIC(features, labels) == pytest.approx(naive_gbc(features, labels), rel=1e-6)


def test_stays_within_bounds_for_100_classes():
    features = np.random.default_rng(0).standard_normal((3000, 300))
    for signal in (0.0, 1.0):
        labels = np.arange(3000) % 100
        moved = features + signal * np.random.default_rng(1).standard_normal((100, 300))[labels]
        assert -100 * 99 <= METRIC(1e-3 * moved, labels) <= 0.0


def test_equal_classes_reach_the_lower_bound():
    once = np.random.default_rng(0).standard_normal((20, 5))
    labels = np.repeat([0, 1, 2], 20)
    assert METRIC(np.tile(once, (3, 1)), labels) == pytest.approx(-6.0, rel=1e-12)


def test_two_unit_gaussians_on_a_line_have_a_closed_form():
    # Means -3 and 3, variances 1: D_B = 36 / 8.
    features = np.array([-4.0, -2.0, 2.0, 4.0])[:, None]
    score = METRIC.score(Labelled.from_arrays(features, [0, 0, 1, 1]))
    assert score.value == pytest.approx(-2 * np.exp(-4.5), rel=1e-12)
    assert score.tie_break == pytest.approx(4.5 - np.log(2), rel=1e-12)


def test_the_tie_break_tells_apart_what_rounds_to_zero():
    labels = np.arange(40) % 2
    noise = np.random.default_rng(0).standard_normal((40, 2))
    near, far = (
        METRIC.score(Labelled.from_arrays(noise + gap * labels[:, None], labels))
        for gap in (200, 400)
    )
    assert near.value == far.value == 0.0
    assert near.tie_break < far.tie_break


def test_a_single_sample_takes_the_pooled_variance():
    features = np.array([-4.0, -2.0, 2.0, 4.0, 9.0])[:, None]
    score = METRIC.score(Labelled.from_arrays(features, [0, 0, 1, 1, 2]))
    pooled = 4 / 5
    between = (1 + pooled) / 2
    shape = 0.5 * (np.log(between) - 0.5 * np.log(pooled))
    distances = [4.5, 144 / 8 / between + shape, 36 / 8 / between + shape]
    assert score.value == pytest.approx(-2 * np.exp(-np.array(distances)).sum(), rel=1e-9)
    assert score.details["classes_of_one"] == 1
    assert score.remarks == ("classes of one image, which a rule of their own covers: 1",)


def test_scale_does_not_matter():
    features, labels = gaussian_classes([30, 30], 8)
    assert METRIC(1e6 * features, labels) == pytest.approx(METRIC(features, labels), rel=1e-9)


def test_single_samples_only_are_an_error():
    with pytest.raises(InputError, match="single sample"):
        METRIC(np.eye(4), [0, 1, 2, 3])


def test_bounds_follow_from_the_classes():
    features, labels = gaussian_classes([20, 20, 20], 6)
    assert METRIC.bounds_for is not None
    assert METRIC.bounds_for(Labelled.from_arrays(features, labels)) == (-6.0, 0.0)
