"""class_sep against the cosines of all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.class_sep import METRIC


def naive_class_sep(features, labels):
    features, labels = as_float64(features, labels)
    length = np.linalg.norm(features, axis=1)
    products = np.outer(length, length)
    cosines = features @ features.T / np.where(products > 0, products, 1.0)
    n_classes = labels.max() + 1
    mean = np.empty((n_classes, n_classes))
    for a in range(n_classes):
        for b in range(n_classes):
            mean[a, b] = (1 - cosines[np.ix_(labels == a, labels == b)]).mean()
    return 1 - np.diag(mean).mean() / mean.mean(), mean.mean()


@every_case
def test_equals_the_formula(features, labels):
    score = METRIC.score(Labelled.from_arrays(features, labels))
    value, total = naive_class_sep(features, labels)
    assert score.value == pytest.approx(value, rel=1e-6)
    assert score.details["mean_distance"] == pytest.approx(total, rel=1e-6)


def test_zero_rows_and_single_classes_follow_the_formula():
    features, labels = gaussian_classes([9, 1, 5], 4)
    features[[0, 3, 7]] = 0.0
    assert METRIC(features, labels) == pytest.approx(naive_class_sep(features, labels)[0], rel=1e-9)


def test_one_direction_for_each_class_is_one():
    features = np.repeat(np.eye(3), 4, axis=0) * np.arange(1, 13)[:, None]
    assert METRIC(features, np.arange(12) // 4) == 1.0


def test_equal_classes_are_zero():
    once = np.random.default_rng(0).standard_normal((10, 4))
    assert METRIC(np.vstack([once, once]), np.arange(20) // 10) == pytest.approx(0.0, abs=1e-15)


def test_a_large_offset_keeps_its_digits():
    # All cosines are within 1e-10 of 1.
    features, labels = gaussian_classes([20, 20], 3)
    directions = features - features.mean()
    value = METRIC(directions + 1e5, labels)
    # Then cosine distance is half the squared distance across the offset.
    across = directions - directions.mean(axis=1, keepdims=True)
    means = [across[labels == label].mean(axis=0) for label in (0, 1)]
    between = ((means[0] - means[1]) ** 2).sum() / 4
    within = np.mean([across[labels == c].var(axis=0).sum() for c in (0, 1)])
    assert value == pytest.approx(between / (between + within), rel=1e-3)


def test_lengths_of_rows_play_no_part():
    features, labels = gaussian_classes([20, 20], 6)
    lengths = np.random.default_rng(0).uniform(0.1, 9.0, (40, 1))
    assert METRIC(lengths * features, labels) == pytest.approx(METRIC(features, labels), rel=1e-9)


def test_one_direction_is_an_error():
    with pytest.raises(InputError, match="same direction"):
        METRIC(np.outer(np.arange(1, 13), [3.0, 1.0, 2.0]), np.arange(12) % 2)


def test_nothing_but_zeros_is_an_error():
    with pytest.raises(InputError, match="every one is zero"):
        METRIC(np.zeros((6, 3)), [0, 1, 2] * 2)
