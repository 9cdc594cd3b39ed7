"""knn against sorted cosines, row by row."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes

from featrank.errors import InputError
from featrank.labelled.folds import canonical_order
from featrank.labelled.labelled import Labelled
from featrank.metrics.knn import METRIC

# The package gives the declaration by this name.
MODULE = sys.modules["featrank.metrics.knn"]


def naive_knn(features, labels, k=5, groups=None):
    features, labels = as_float64(features, labels)
    groups = range(len(features)) if groups is None else groups
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    right = []
    for i in range(len(unit)):
        cosines = [
            (float(unit[i] @ unit[j]), j) for j in range(len(unit)) if groups[j] != groups[i]
        ]
        votes: dict[int, tuple[int, float]] = {}
        for cosine, j in sorted(cosines, reverse=True)[:k]:
            count, total = votes.get(labels[j], (0, 0.0))
            votes[labels[j]] = (count + 1, total + cosine)
        right.append(max(votes, key=votes.__getitem__) == labels[i])
    return np.mean(right)


@every_case
def test_equals_the_formula(features, labels):
    assert METRIC(features, labels) == pytest.approx(naive_knn(features, labels), rel=1e-6)


@pytest.mark.parametrize("k", [1, 2, 12])
def test_k_is_a_parameter(k):
    features, labels = gaussian_classes([30, 12, 8], 6)
    assert METRIC(features, labels, k=k) == pytest.approx(naive_knn(features, labels, k))


def test_rows_of_a_group_do_not_vote_for_each_other(monkeypatch):
    features, labels = gaussian_classes([30, 12, 8], 6)
    groups = np.random.default_rng(0).integers(0, 9, 50)
    labelled = Labelled.from_arrays(features, labels, groups)
    score = METRIC.score(labelled)
    assert score.value == pytest.approx(naive_knn(features, labels, groups=groups))
    assert score.value != METRIC(features, labels)
    monkeypatch.setattr(MODULE, "_BLOCK_ROWS", 7)
    assert METRIC.score(labelled) == score
    one = Labelled.from_arrays(features, labels, np.zeros(50, int))
    with pytest.raises(InputError, match="one group"):
        METRIC.score(one)


def test_blocks_do_not_matter(monkeypatch):
    features, labels = gaussian_classes([30, 12, 8], 6)
    whole = METRIC(features, labels)
    monkeypatch.setattr(MODULE, "_BLOCK_ROWS", 7)
    assert METRIC(features, labels) == whole


def test_all_others_vote_where_there_are_fewer_than_k():
    # Each row of class 0 has one vote of its class against one, and the nearer one wins.
    score = METRIC.score(Labelled.from_arrays([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]], [0, 0, 1]))
    assert score.details["k"] == 2
    assert score.value == pytest.approx(2 / 3)


def test_equal_votes_go_to_the_larger_cosines():
    features = [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]
    # With k = 2 each row sees its like, and one of the other class.
    assert METRIC(features, [0, 0, 1, 1], k=2) == 1.0


def test_a_class_of_one_is_never_right():
    features, labels = gaussian_classes([10, 1], 4, signal=9.0)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == pytest.approx(10 / 11)
    assert score.details["balanced_accuracy"] == 0.5


def test_many_rows_are_sampled(monkeypatch):
    monkeypatch.setattr(MODULE, "_MAX_ROWS", 30)
    features, labels = gaussian_classes([60, 60], 4)
    details = METRIC.score(Labelled.from_arrays(features, labels)).details
    assert details["sampled_rows"] == 30


def test_no_neighbour_is_an_error():
    with pytest.raises(InputError, match="k of at least 1"):
        METRIC(np.eye(4), [0, 1, 0, 1], k=0)


@pytest.mark.parametrize("scale", [1.0, 3.0, 1e-3])
@pytest.mark.parametrize("kind", ["repeated", "zero"])
def test_of_equally_near_rows_the_first_vote(kind, scale, monkeypatch):
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 200)
    features = rng.standard_normal((200, 24)) + rng.standard_normal((3, 24))[labels] * 0.5
    features[:60] = 0.0 if kind == "zero" else features[rng.integers(60, 70, 60)]
    order = canonical_order(Labelled.from_arrays(features, labels))
    rows, ordered = features[order], labels[order]
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(lengths > 0, lengths, 1)
    names = list(dict.fromkeys(ordered.tolist()))
    hits = 0
    for i in range(200):
        cosines = np.round((unit * unit[i]).sum(axis=1), 12)
        others = sorted((j for j in range(200) if j != i), key=lambda j: (-cosines[j], j))[:5]
        votes = {
            c: (
                sum(ordered[j] == c for j in others),
                round(sum(cosines[j] for j in others if ordered[j] == c), 10),
            )
            for c in names
        }
        hits += max(names, key=votes.__getitem__) == ordered[i]
    assert METRIC(scale * features, labels) == hits / 200
    monkeypatch.setattr(MODULE, "_BLOCK_ROWS", 7)
    assert METRIC(scale * features, labels) == hits / 200
