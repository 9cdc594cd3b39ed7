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


@pytest.mark.parametrize("case", ["200x32x4", "60x256x3", "1000x64x50"])
@pytest.mark.parametrize("decades", [3, 6])
def test_scales_of_features_do_not_matter(case, decades):
    features, labels = features_of(case)
    scales = 10 ** np.random.default_rng(0).uniform(-decades, decades, features.shape[1])
    scaled = (features * scales).astype(np.float32)
    assert METRIC(scaled, labels) == pytest.approx(METRIC(features, labels), rel=1e-6)


def test_a_small_feature_beside_large_ones_counts():
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((1000, 32)), np.arange(1000) % 2
    features[:, 0] += 4 * labels
    small = features * np.where(np.arange(32) == 0, 1e-9, 1.0)
    assert METRIC(small, labels) == pytest.approx(METRIC(features, labels), rel=1e-9)


def test_constant_features_play_no_part():
    features, labels = features_of("200x32x4")
    others = np.full((200, 3), [1e4, 0.0, 0.1])
    assert METRIC(np.hstack([features, others]), labels) == pytest.approx(
        METRIC(features, labels), rel=1e-9
    )
