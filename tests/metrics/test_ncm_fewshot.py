"""ncm_fewshot against distances in loops, on the same draws."""

from __future__ import annotations

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes

from featrank.errors import InputError
from featrank.metrics.folds import canonical_order
from featrank.metrics.labelled import Labelled
from featrank.metrics.ncm_fewshot import METRIC


def naive_ncm_fewshot(features, labels, shots=5, queries=5, episodes=50, seed=0):
    order = canonical_order(Labelled.from_arrays(features, labels))
    features, labels = as_float64(features, labels)
    rows, labels = features[order], labels[order].tolist()
    classes = [c for c in dict.fromkeys(labels) if labels.count(c) > 1]
    rng = np.random.default_rng(seed)
    accuracies = []
    for _ in range(episodes):
        drawn = {c: rng.permutation(np.flatnonzero(np.array(labels) == c)) for c in classes}
        split = {c: min(shots, len(drawn[c]) - 1) for c in classes}
        means = {c: rows[drawn[c][: split[c]]].mean(axis=0) for c in classes}
        recalls = []
        for c in classes:
            asked = drawn[c][split[c] : split[c] + queries]
            nearest = [
                min(classes, key=lambda k: np.linalg.norm(rows[i] - means[k])) for i in asked
            ]
            recalls.append(np.mean([k == c for k in nearest]))
        accuracies.append(np.mean(recalls))
    return np.mean(accuracies), np.std(accuracies)


@every_case
def test_equals_the_formula(features, labels):
    score = METRIC.score(Labelled.from_arrays(features, labels), episodes=8)
    value, std = naive_ncm_fewshot(features, labels, episodes=8)
    assert score.value == pytest.approx(value, rel=1e-6)
    assert score.details["std"] == pytest.approx(std, rel=1e-6)


def test_small_classes_give_fewer_shots_and_single_ones_take_no_part():
    features, labels = gaussian_classes([20, 1, 3, 2], 4, signal=2.0)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == pytest.approx(naive_ncm_fewshot(features, labels)[0], rel=1e-9)
    assert score.details["ways"] == 3


def test_more_shots_help():
    features, labels = gaussian_classes([60, 60, 60], 40, signal=0.3)
    one, ten = METRIC(features, labels, shots=1), METRIC(features, labels, shots=10)
    assert ten > one + 0.05


def test_far_apart_is_perfect():
    features, labels = gaussian_classes([20, 20, 20], 6, signal=30.0)
    assert METRIC(features, labels) == 1.0


def test_single_samples_only_are_an_error():
    with pytest.raises(InputError, match="two classes of at least 2"):
        METRIC(np.eye(4), [0, 1, 2, 2])


@pytest.mark.parametrize("name", ["shots", "queries", "episodes"])
def test_parameters_must_be_positive(name):
    with pytest.raises(InputError, match="at least 1"):
        METRIC(np.eye(4), [0, 1, 0, 1], **{name: 0})
