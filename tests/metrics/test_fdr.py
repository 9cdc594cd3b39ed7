"""fdr against its definition and the canonical correlations."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import CASES, features_of, on_the_grid, scatter_of
from sklearn.covariance import ledoit_wolf_shrinkage

from featrank.errors import InputError
from featrank.metrics.fdr import METRIC


@on_the_grid
def test_equals_the_formula(case):
    features, labels = features_of(case)
    within, between, _ = scatter_of(features, labels)
    centred = features.astype(np.float64)
    for label in np.unique(labels):
        centred[labels == label] -= centred[labels == label].mean(axis=0)
    alpha = ledoit_wolf_shrinkage(centred, assume_centered=True)
    shrunk = (1 - alpha) * within + alpha * np.trace(within) / len(within) * np.eye(len(within))
    expected = np.trace(np.linalg.inv(shrunk) @ between)
    assert METRIC(features, labels) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("case", [name for name in CASES if name not in ("60x256x3", "500x512x10")])
def test_unshrunk_equals_the_formula(case):
    features, labels = features_of(case)
    within, between, total = scatter_of(features, labels)
    expected = np.trace(np.linalg.inv(within) @ between)
    assert METRIC(features, labels, shrinkage=0) == pytest.approx(expected, rel=1e-6)
    squared = np.linalg.eigvals(np.linalg.inv(total) @ between).real
    assert expected == pytest.approx((squared / (1 - squared)).sum(), rel=1e-6)


def test_one_feature_is_the_ratio_of_variances():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    values = rng.standard_normal(40) + labels
    groups = [values[labels == c] for c in range(2)]
    between = (groups[0].mean() - groups[1].mean()) ** 2 / 4
    expected = between / np.mean([group.var() for group in groups])
    assert METRIC(values[:, None], labels) == pytest.approx(expected, rel=1e-9)


def test_a_singular_covariance_is_an_error_unless_shrunk():
    features, labels = features_of("60x256x3")
    with pytest.raises(InputError, match="singular"):
        METRIC(features, labels, shrinkage=0)
    with pytest.raises(InputError, match="do not vary inside"):
        METRIC(np.repeat(np.eye(3), 4, axis=0), np.arange(12) // 4)


def test_one_feature_that_separates_exactly_has_its_ratio():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    features = (labels + 1e-6 * rng.standard_normal(40))[:, None]
    means = np.array([features[labels == c].mean() for c in (0, 1)])
    within = np.mean([features[labels == c].var() for c in (0, 1)])
    assert METRIC(features, labels) == pytest.approx(means.var() / within, rel=1e-6)
