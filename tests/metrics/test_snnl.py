"""snnl against plain loops over its formula."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from scipy.spatial.distance import pdist, squareform

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.snnl import METRIC

# The package gives the declaration by this name.
MODULE = sys.modules["featrank.metrics.snnl"]


def naive_snnl(features, labels):
    features, labels = as_float64(features, labels)
    pairs = pdist(features, "sqeuclidean")
    weights = np.exp(-squareform(pairs) / np.median(pairs))
    losses = []
    for i, label in enumerate(labels):
        others = np.arange(len(labels)) != i
        own = others & (labels == label)
        if own.any():
            losses.append(-math.log(weights[i, own].sum() / weights[i, others].sum()))
    return np.mean(losses)


@every_case
def test_equals_the_formula(features, labels):
    assert METRIC(features, labels) == pytest.approx(naive_snnl(features, labels), rel=1e-6)


def test_single_classes_are_skipped():
    features, labels = gaussian_classes([9, 1, 5, 1], 4)
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.value == pytest.approx(naive_snnl(features, labels), rel=1e-9)
    assert score.details["classes_of_one"] == 2


def test_equidistant_rows_have_a_closed_form():
    # Every row has 3 of its class among 7 others, all at the same distance.
    assert METRIC(np.eye(8), [0, 0, 0, 0, 1, 1, 1, 1]) == pytest.approx(math.log(7 / 3), rel=1e-12)


def test_coinciding_rows_take_the_mean_distance():
    features = np.vstack([np.zeros((9, 2)), np.ones((1, 2))])
    labels = [0] * 8 + [1, 1]
    # 9 of 45 pairs are at distance 2: T = 0.4.
    far = math.exp(-2 / 0.4)
    expected = 8 * math.log((8 + far) / 7) + math.log((8 + far) / far) + math.log(9)
    assert METRIC(features, labels) == pytest.approx(expected / 10, rel=1e-9)


def test_scale_and_offset_do_not_matter():
    features, labels = gaussian_classes([20, 20], 6)
    assert METRIC(1e-3 * features + 7, labels) == pytest.approx(METRIC(features, labels), rel=1e-9)


def test_many_rows_are_sampled(monkeypatch):
    monkeypatch.setattr(MODULE, "_MAX_ROWS", 30)
    features, labels = gaussian_classes([60, 60], 4)
    details = METRIC.score(Labelled.from_arrays(features, labels)).details
    assert details["sampled_rows"] == 30


def test_single_samples_only_are_an_error():
    with pytest.raises(InputError, match="single sample"):
        METRIC(np.eye(4), [0, 1, 2, 3])
