"""hscore against its definition, in its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid, scatter_of

from featrank.metrics.hscore import METRIC


@on_the_grid
def test_equals_the_formula(case):
    features, labels = features_of(case)
    _, between, total = scatter_of(features, labels)
    expected = np.trace(np.linalg.pinv(total, rcond=1e-11, hermitian=True) @ between)
    assert METRIC(features, labels) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d", "classes"), [(100, 700, 10), (60, 59, 5), (50, 3, 10)])
def test_stays_in_its_bounds(dtype, n, d, classes):
    rng = np.random.default_rng(0)
    base = rng.standard_normal((n, d)) * np.logspace(0, -6, d)
    features, labels = np.hstack([base, base @ rng.standard_normal((d, 4))]), np.arange(n) % classes
    value = METRIC(features.astype(dtype), labels)
    assert 0 <= value <= min(classes - 1, d + 4)


def test_saturates_where_features_are_more_than_samples():
    features = np.random.default_rng(0).standard_normal((60, 90)).astype(np.float32)
    assert METRIC(features, np.arange(60) % 5) == pytest.approx(4.0, rel=1e-9)


def test_collapsed_classes_reach_the_bound():
    assert METRIC(np.repeat(np.eye(4), 5, axis=0), np.arange(20) // 5) == pytest.approx(3.0)


def test_invertible_linear_maps_do_not_matter():
    features, labels = features_of("200x32x4")
    mixed = features.astype(float) @ np.random.default_rng(0).standard_normal((32, 32)) + 5.0
    assert METRIC(mixed, labels) == pytest.approx(METRIC(features, labels), rel=1e-6)


def test_repeated_and_constant_features_do_not_matter():
    features, labels = features_of("200x32x4")
    more = np.hstack([features, features[:, :5], np.ones((len(labels), 2), np.float32)])
    assert METRIC(more, labels) == pytest.approx(METRIC(features, labels), rel=1e-6)
