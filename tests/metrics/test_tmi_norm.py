"""tmi_norm against a plain transcription, and what it is for: width and scale."""

import math

import numpy as np
import pytest
from scipy.special import digamma

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.tmi_norm import METRIC


def naive(features, labels, k=3, r_min=1.0):
    z = np.asarray(features, dtype=np.float64)
    z = z - z.mean(axis=0)
    z = z / math.sqrt((z**2).mean())
    kept = [label for label in np.unique(labels) if (labels == label).sum() > k]
    n_kept = sum((labels == label).sum() for label in kept)
    total = 0.0
    for label in kept:
        rows = z[labels == label]
        n, d = rows.shape
        logs = 0.0
        for i in range(n):
            others = sorted(np.abs(rows[i] - rows[j]).max() for j in range(n) if j != i)
            logs += math.log(2 * max(others[k - 1], r_min))
        total += n / n_kept * (digamma(n) - digamma(k) + d / n * logs)
    return total / z.shape[1]


def sample(n_features=6, scale=1.0, counts=(12, 9, 3, 1)):
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(len(counts)), counts)
    return scale * (rng.standard_normal((len(labels), n_features)) + labels[:, None]) + 7, labels


@pytest.mark.parametrize("n_features", [1, 6, 70])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 40.0])
@pytest.mark.parametrize("params", [{}, {"k": 2, "r_min": 0.5}])
def test_equals_the_formula(n_features, scale, params):
    features, labels = sample(n_features, scale)
    assert METRIC(features, labels, **params) == pytest.approx(
        naive(features, labels, **params), rel=1e-9
    )


def test_scale_and_repeated_features_hardly_matter():
    features, labels = sample(40, counts=(30, 30))
    value = METRIC(features, labels)
    assert METRIC(1000 * features, labels) == pytest.approx(value, rel=1e-9)
    # What is left is the term of the count, divided by the width.
    term = (digamma(30) - digamma(3)) / 40
    twice = METRIC(np.hstack([features, features]), labels)
    assert twice == pytest.approx(value - term / 2, rel=1e-9)


def test_small_classes_are_left_out_and_named():
    features, labels = sample()
    score = METRIC.score(Labelled.from_arrays(features, labels))
    assert score.details["dropped_classes"] == ["2", "3"]
    assert "classes too small and left out: 2, 3" in score.remarks
    kept = labels < 2
    # Without them only the scale is another.
    alone = METRIC.score(Labelled.from_arrays(features[kept], labels[kept]))
    shift = math.log(alone.details["scale"] / score.details["scale"])
    assert score.value == pytest.approx(alone.value + shift, rel=1e-9)


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        METRIC(np.full((10, 3), 5.0), np.repeat([0, 1], 5))
