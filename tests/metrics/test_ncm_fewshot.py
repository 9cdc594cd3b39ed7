"""ncm_fewshot against distances in loops, on the same draws."""

from __future__ import annotations

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes

from featrank.errors import InputError
from featrank.labelled.folds import canonical_order
from featrank.labelled.group_splits import hold_out_groups
from featrank.labelled.labelled import Labelled
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


def grouped_classes(counts, size, seed=0):
    """Classes of little signal whose rows come in groups that are nearly equal."""
    features, labels = gaussian_classes(counts, 30, signal=0.3, seed=seed)
    groups = np.empty(len(labels), int)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        groups[rows] = 1000 * label + np.arange(len(rows)) // size
    for group in np.unique(groups):
        rows = groups == group
        features[rows] = features[rows][:1] + 0.01 * features[rows]
    return features, labels, groups


def naive_grouped(features, labels, groups, shots=5, queries=5, episodes=50, seed=0):
    order = canonical_order(Labelled.from_arrays(features, labels))
    rows, labels, groups = features[order].astype(float), labels[order], groups[order]
    groups = np.array([list(dict.fromkeys(groups.tolist())).index(g) for g in groups])
    labels = np.array([list(dict.fromkeys(labels.tolist())).index(c) for c in labels])
    classes = [c for c in range(max(labels) + 1) if len(set(groups[labels == c])) > 1]
    taking_part = np.flatnonzero(np.isin(labels, classes))
    rng = np.random.default_rng(seed)
    accuracies = []
    for _ in range(episodes):
        drawn = {c: rng.permutation(np.flatnonzero(labels == c)) for c in classes}
        counts = np.bincount(labels)
        out = np.zeros(len(rows), bool)
        out[taking_part] = hold_out_groups(
            labels[taking_part],
            groups[taking_part],
            np.full(len(counts), queries),
            np.minimum(shots, counts - 1),
            rng,
        )
        means = {c: rows[[i for i in drawn[c] if not out[i]][:shots]].mean(axis=0) for c in classes}
        recalls = []
        for c in classes:
            asked = [i for i in drawn[c] if out[i]][:queries]
            nearest = [
                min(classes, key=lambda k: np.linalg.norm(rows[i] - means[k])) for i in asked
            ]
            recalls += [np.mean([k == c for k in nearest])] if asked else []
        accuracies.append(np.mean(recalls))
    return np.mean(accuracies), np.std(accuracies)


@pytest.mark.parametrize("crossing", [False, True], ids=["own groups", "shared groups"])
def test_with_groups_equals_the_formula(crossing):
    features, labels, groups = grouped_classes([24, 7, 12, 1, 4], 4)
    if crossing:
        groups = np.random.default_rng(3).integers(0, 9, len(labels))
    score = METRIC.score(Labelled.from_arrays(features, labels, groups))
    value, std = naive_grouped(features, labels, groups)
    assert score.value == pytest.approx(value, rel=1e-9)
    assert score.details["std"] == pytest.approx(std, rel=1e-9)
    # A class of one row, and one of a single group, take no part.
    assert score.details["ways"] == (4 if crossing else 3)


def test_what_is_asked_for_is_not_of_a_group_that_was_learnt():
    """Rows of a group are nearly equal here: seen in a mean, they would be known again."""
    features, labels, groups = grouped_classes([40, 40, 40], 8)
    grouped = METRIC.score(Labelled.from_arrays(features, labels, groups))
    assert METRIC(features, labels) > grouped.value + 0.15


def test_numbers_of_groups_do_not_matter():
    features, labels, groups = grouped_classes([24, 7, 12], 4)
    moved = np.random.default_rng(1).permutation(len(labels))
    one = METRIC.score(Labelled.from_arrays(features, labels, groups))
    assert METRIC.score(Labelled.from_arrays(features[moved], labels[moved], -groups[moved])) == one


def test_groups_that_are_whole_classes_are_an_error():
    features, labels = gaussian_classes([9, 9, 9], 4)
    with pytest.raises(InputError, match="of different groups"):
        METRIC.score(Labelled.from_arrays(features, labels, labels))


@pytest.mark.parametrize("scale", [1.0, 3.0, 0.1])
def test_equally_near_means_go_to_the_first_class(scale):
    """Binary features tie often; in whole numbers, where nothing is rounded."""
    rng = np.random.default_rng(0)
    features, labels = rng.integers(0, 2, (120, 6)).astype(float), np.arange(120) % 3
    order = canonical_order(Labelled.from_arrays(features, labels))
    rows, ordered = features[order].astype(int), labels[order]
    names = list(dict.fromkeys(ordered.tolist()))
    rng, hits = np.random.default_rng(0), []
    for _ in range(50):
        drawn = [rng.permutation(np.flatnonzero(ordered == c)) for c in names]
        sums = np.array([rows[d[:5]].sum(axis=0) for d in drawn])
        for c, d in enumerate(drawn):
            nearest = [np.square(5 * rows[i] - sums).sum(axis=1).argmin() for i in d[5:10]]
            hits.append(np.mean(np.array(nearest) == c))
    assert METRIC(scale * features, labels) == pytest.approx(np.mean(hits), abs=1e-12)
