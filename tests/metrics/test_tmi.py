"""tmi against a plain transcription of its formula and against closed forms."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from scipy.special import digamma

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.tmi import (
    METRIC,
    _scipy_distances,
    _torch_distances,
)

# The package's attribute ``tmi`` is the metric.
MODULE = sys.modules[METRIC.compute.__module__]


def naive_tmi(features, labels, k=3, r_min=1.0):
    features = np.asarray(features, dtype=np.float64)
    features = features - features.mean(axis=0)
    labels = np.asarray(labels)
    terms = []
    for label in np.unique(labels):
        rows = features[labels == label]
        n, d = rows.shape
        if n <= 1:
            terms.append(0.0)
            continue
        if n <= k:
            continue
        log_sum = 0.0
        for i in range(n):
            others = [np.abs(rows[i] - rows[j]).max() for j in range(n) if j != i]
            log_sum += math.log(2 * max(sorted(others)[k - 1], r_min))
        entropy = digamma(n) - digamma(k) + d / n * log_sum
        terms.append(n / len(features) * entropy)
    return sum(terms) / len(terms)


COUNTS = {
    "balanced": [12, 12, 12],
    "imbalanced": [30, 9, 4, 5],
    "class of one": [10, 1, 7],
    "class of k": [10, 3, 2, 8],
}


@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS.keys())
@pytest.mark.parametrize("n_features", [1, 5, 90])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_equals_the_formula(counts, n_features, dtype, scale):
    rng = np.random.default_rng(7)
    labels = np.repeat([f"class {i}" for i in range(len(counts))], counts)
    features = (scale * rng.standard_normal((len(labels), n_features)) + 20).astype(dtype)
    features[:, 0] = 4.0  # a constant column
    shuffled = rng.permutation(len(labels))
    value = METRIC(features[shuffled], labels[shuffled])
    assert value == pytest.approx(naive_tmi(features, labels), rel=1e-6)


@pytest.mark.parametrize("k", [1, 5])
def test_parameters_reach_the_formula(k):
    rng = np.random.default_rng(1)
    features, labels = rng.standard_normal((40, 3)), np.repeat([0, 1], 20)
    assert METRIC(features, labels, k=k, r_min=0.25) == pytest.approx(
        naive_tmi(features, labels, k=k, r_min=0.25), rel=1e-9
    )


def test_points_on_a_line_have_a_closed_form():
    # Spaced by 2 in five equal columns: with k=1 every r_i is 2.
    column = np.concatenate([np.arange(10) * 2.0, np.arange(10) * 2.0])
    features, labels = np.tile(column[:, None], (1, 5)), np.repeat([0, 1], 10)
    entropy = digamma(10) - digamma(1) + 5 * math.log(4)
    assert METRIC(features, labels, k=1) == pytest.approx(0.5 * entropy, rel=1e-12)


def test_clamped_features_leave_a_constant():
    features = np.random.default_rng(0).uniform(0, 0.5, (24, 6))
    labels = np.repeat(["a", "b"], 12)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == pytest.approx(0.5 * (digamma(12) - digamma(3) + 6 * math.log(2)))
    assert score.details == {"clamped_fraction": 1.0, "dropped_classes": [], "single_classes": []}


def test_unclamped_scaling_adds_d_log_s():
    rng = np.random.default_rng(3)
    features, labels = 50 * rng.standard_normal((60, 8)), np.repeat([0, 1, 2], 20)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.details["clamped_fraction"] == 0.0
    shift = METRIC(3 * features, labels) - score.value
    # A mean over 3 classes of p_c · d ln 3.
    assert shift == pytest.approx(8 * math.log(3) / 3, rel=1e-9)


def test_doubled_features_double_the_distance_term():
    rng = np.random.default_rng(3)
    features, labels = 50 * rng.standard_normal((40, 8)), np.repeat([0, 1], 20)
    offset = 0.5 * (digamma(20) - digamma(3))
    once = METRIC(features, labels) - offset
    twice = METRIC(np.hstack([features, features]), labels) - offset
    assert twice == pytest.approx(2 * once, rel=1e-9)


def test_duplicated_points_are_clamped():
    features = np.repeat(np.random.default_rng(0).normal(0, 9, (4, 3)), 5, axis=0)
    score = METRIC.score(Labelled.from_arrays(features, np.repeat([0, 1], 10)))
    assert score.details["clamped_fraction"] == 1.0
    assert score.remarks == ("100.0% of the distances are clamped",)
    assert math.isfinite(score.value)


def test_dropped_and_single_classes_are_named():
    labels = np.repeat(["ant", "bee", "cat", "dog"], [6, 1, 3, 6])
    features = np.random.default_rng(0).normal(0, 5, (16, 4))
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.details["dropped_classes"] == ["cat"]
    assert score.details["single_classes"] == ["bee"]
    assert score.remarks == (
        "classes too small and left out: cat", "classes of one image, counted as 0: bee",
    )  # fmt: skip


@pytest.mark.parametrize("counts", [[3, 2, 3], [3, 1], [1, 1]])
def test_no_class_above_k_is_an_error(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    features = np.random.default_rng(0).standard_normal((len(labels), 4))
    with pytest.raises(InputError, match="more than 3 samples"):
        METRIC(features, labels)


@pytest.mark.parametrize("params", [{"k": 0}, {"r_min": 0.0}])
def test_impossible_parameters_are_errors(params):
    with pytest.raises(InputError, match="tmi needs k"):
        METRIC(np.eye(8), [0, 1] * 4, **params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("counts", [[4, 9], [129, 4, 30, 31], [5, 150, 64, 65], [20] * 7], ids=str)
def test_the_kernels_agree(monkeypatch, dtype, counts):
    # Small squares, so that large classes are put together from parts, the last one shorter.
    monkeypatch.setattr(MODULE, "_SQUARE_ROWS", 64)
    monkeypatch.setattr(MODULE, "_LEAST_COLUMNS", 16)
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((sum(counts), 40)).astype(dtype)
    rows[:3] = rows[0]
    labelled = Labelled.from_arrays(rows, rng.permutation(np.repeat(range(len(counts)), counts)))
    classes = np.arange(len(counts))
    expected = _scipy_distances(labelled, classes, 3)
    found = _torch_distances(labelled, classes, 3)
    assert [len(distances) for distances in found] == counts
    for label, (distances, others) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_array_equal(distances, others)
        own = rows[labelled.rows_of(label)].astype(np.float64)
        brute = np.sort(np.abs(own[:, None] - own[None]).max(axis=2))[:, 3]
        np.testing.assert_allclose(distances, brute, rtol=1e-6)


def test_large_work_gives_the_same_number(monkeypatch):
    rng = np.random.default_rng(2)
    features, labels = 3 * rng.standard_normal((90, 20)).astype(np.float32), np.arange(90) % 3
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    small = METRIC(features, labels)
    monkeypatch.undo()
    assert METRIC(features, labels) == small


def test_a_view_that_runs_backwards_is_read():
    features = 3 * np.random.default_rng(2).standard_normal((30, 20)).astype(np.float32)
    labels = np.arange(30) % 3
    assert METRIC(features[::-1], labels[::-1]) == pytest.approx(
        METRIC(features, labels), rel=1e-12
    )


@pytest.mark.filterwarnings("error")
def test_features_that_may_not_be_written_to_give_no_warning():
    features = 3 * np.random.default_rng(2).standard_normal((30, 20)).astype(np.float32)
    labels = np.arange(30) % 3
    expected = METRIC(features, labels)
    features.flags.writeable = False
    assert METRIC(features, labels) == expected
