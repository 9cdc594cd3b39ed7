"""leep against plain loops over its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from formula_grid import as_float64, every_case
from scipy.special import softmax

from featrank.errors import InputError
from featrank.metrics.leep import METRIC


def naive_leep(probabilities, labels):
    probabilities, labels = as_float64(probabilities, labels)
    n, n_source = probabilities.shape
    joint = np.zeros((labels.max() + 1, n_source))
    for i in range(n):
        joint[labels[i]] += probabilities[i] / n
    total = 0.0
    for i in range(n):
        expected = 0.0
        for z in range(n_source):
            if joint[:, z].sum() > 0:
                expected += joint[labels[i], z] / joint[:, z].sum() * probabilities[i, z]
        total += math.log(expected)
    return total / n


@every_case
def test_equals_the_formula(features, labels):
    probabilities = softmax(features, axis=1)
    assert METRIC(probabilities, labels) == pytest.approx(
        naive_leep(probabilities, labels), rel=1e-6
    )


def test_a_classifier_that_always_says_the_same_leaves_the_entropy_of_the_labels():
    labels = np.repeat([0, 1, 2], [10, 6, 4])
    entropy = -sum(share * math.log(share) for share in (0.5, 0.3, 0.2))
    assert METRIC(np.tile([0.2, 0.5, 0.3], (20, 1)), labels) == pytest.approx(-entropy, rel=1e-12)


def test_perfect_prediction_is_zero():
    labels = np.arange(12) % 3
    assert METRIC(np.eye(5)[labels], labels) == 0.0


def test_unused_source_classes_change_nothing():
    probabilities = softmax(np.random.default_rng(0).standard_normal((30, 4)), axis=1)
    labels = np.arange(30) % 3
    padded = np.hstack([np.zeros((30, 2)), probabilities])
    assert METRIC(padded, labels) == pytest.approx(METRIC(probabilities, labels), rel=1e-12)


def test_rows_and_names_play_no_part():
    rng = np.random.default_rng(0)
    probabilities, labels = softmax(rng.standard_normal((40, 6)), axis=1), np.arange(40) % 3
    moved = rng.permutation(40)
    names = np.array(["z", "m", "a"])
    assert METRIC(probabilities[moved], names[labels[moved]]) == pytest.approx(
        METRIC(probabilities, labels), rel=1e-12
    )


def test_informative_labels_beat_shuffled_ones():
    labels = np.arange(60) % 3
    probabilities = softmax(2 * np.eye(3)[labels], axis=1)
    shuffled = np.random.default_rng(0).permutation(labels)
    assert METRIC(probabilities, labels) > METRIC(probabilities, shuffled)


def test_features_are_an_error():
    with pytest.raises(InputError, match="source_probs"):
        METRIC(np.random.default_rng(0).standard_normal((20, 4)), np.arange(20) % 2)
