"""cdnv against its definition, and its bias at few shots."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.cdnv import METRIC


def naive_cdnv(features, labels, debias):
    z = np.asarray(features, dtype=np.float64)
    groups = [z[labels == c] for c in np.unique(labels) if (labels == c).sum() > 1]
    ratios, variances, distances = [], 0.0, 0.0
    for a, b in itertools.combinations(groups, 2):
        va, vb = (np.trace(np.atleast_2d(np.cov(rows.T))) for rows in (a, b))
        distance = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
        ratios.append((va + vb) / (2 * distance))
        variances += va + vb
        distances += distance - va / len(a) - vb / len(b)
    return variances / (2 * distances) if debias else np.mean(ratios)


@on_the_grid
@pytest.mark.parametrize("debias", [True, False])
def test_equals_the_formula(case, debias):
    features, labels = features_of(case)
    expected = naive_cdnv(features, labels, debias)
    assert METRIC(features, labels, debias=debias) == pytest.approx(expected, rel=1e-6)


def test_few_shots_are_unbiased():
    # True value 2: variance d inside every class, squared distances d / 2 between any two means.
    rng = np.random.default_rng(0)
    d, classes, shots = 64, 10, 4
    means = np.sqrt(d) / 2 * np.eye(classes, d)
    labels = np.repeat(np.arange(classes), shots)
    values, naive = [], []
    for _ in range(40):
        features = means[labels] + rng.standard_normal((len(labels), d))
        values.append(METRIC(features, labels))
        naive.append(METRIC(features, labels, debias=False))
    assert np.mean(values) == pytest.approx(2.0, abs=0.1)
    assert np.std(values) < 0.4
    assert np.mean(naive) == pytest.approx(1.01, abs=0.05)


def test_classes_that_are_not_told_apart_are_floored():
    rng = np.random.default_rng(1)
    features, labels = rng.standard_normal((40, 30)), np.arange(40) % 2
    while METRIC.score(Labelled.from_arrays(features, labels)).details["floored"] is False:
        labels = rng.permutation(labels)
    assert METRIC(features, labels) > 100


def test_single_samples_are_left_out():
    features, labels = features_of("200x32x4")
    more, names = np.vstack([features, features[:1]]), np.append(labels, 9)
    score = METRIC.score(Labelled.from_arrays(more, names))
    assert score.value == pytest.approx(METRIC(features, labels), rel=1e-9)
    assert score.details["left_out"] == 1


def test_one_class_of_several_is_an_error():
    with pytest.raises(InputError, match="two classes of two"):
        METRIC(np.random.default_rng(0).standard_normal((6, 3)), [0, 0, 0, 0, 0, 1])


def test_equal_means_are_an_error():
    features = np.array([[1.0], [-1.0], [2.0], [-2.0], [5.0], [7.0]])
    with pytest.raises(InputError, match="same mean"):
        METRIC(features, [0, 0, 1, 1, 2, 2], debias=False)


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_means_that_are_equal_but_for_rounding_are_an_error(offset):
    rows = np.random.default_rng(0).standard_normal((60, 8))
    same = np.vstack([rows, rows[::-1], rows + offset])
    labels = np.repeat([0, 1, 2], 60)
    with pytest.raises(InputError, match="the same mean"):
        METRIC(same, labels, debias=offset == 0.0)
