"""spectrum against singular values, a matrix root and distances in loops."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from formula_grid import as_float64, every_case, gaussian_classes
from scipy.linalg import sqrtm

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics.spectrum import METRIC

# The package gives the declaration by this name.
MODULE = sys.modules["featrank.metrics.spectrum"]


def _details(features, labels=None, **params):
    labels = np.arange(len(features)) % 2 if labels is None else labels
    return METRIC.score(Labelled.from_arrays(features, labels), **params).details


def naive_effective_rank(features):
    share = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)
    share /= share.sum()
    return math.exp(-sum(q * math.log(q) for q in share if q > 1e-12))


def naive_w2(features):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    covariance = np.cov(unit.T, bias=True)
    d = len(covariance)
    root = np.trace(sqrtm(covariance + 1e-18 * np.eye(d)).real)
    square = (unit.mean(axis=0) ** 2).sum() + 1 + np.trace(covariance) - 2 / math.sqrt(d) * root
    return math.sqrt(square)


def naive_intrinsic_dimension(features, k=20):
    inverses = []
    for i in range(len(features)):
        t = sorted(np.linalg.norm(features[i] - z) for j, z in enumerate(features) if j != i)[:k]
        inverses.append(sum(math.log(t[-1] / near) for near in t[:-1]) / (k - 1))
    return 1 / np.mean(inverses)


@every_case
def test_equals_the_formula(features, labels):
    details = _details(features, labels)
    features, _ = as_float64(features, labels)
    covariance = np.cov(features.T)
    ratio = np.trace(covariance) ** 2 / (covariance**2).sum()
    assert METRIC(features, labels) == details["effective_rank"]
    assert details["effective_rank"] == pytest.approx(naive_effective_rank(features), rel=1e-6)
    assert details["participation_ratio"] == pytest.approx(ratio, rel=1e-6)
    assert details["w2_uniformity"] == pytest.approx(-naive_w2(features), rel=1e-6)
    assert details["dead_dimensions"] == 0


def test_intrinsic_dimension_equals_the_formula():
    features, _ = gaussian_classes([40, 40], 12)
    expected = naive_intrinsic_dimension(features)
    assert _details(features)["intrinsic_dimension"] == pytest.approx(expected, rel=1e-6)
    twice = np.vstack([features, features[:30]])
    assert _details(twice)["intrinsic_dimension"] == pytest.approx(expected, rel=1e-6)
    assert _details(features, k=5)["intrinsic_dimension"] == pytest.approx(
        naive_intrinsic_dimension(features, 5), rel=1e-6
    )


def test_intrinsic_dimension_of_a_sheet_in_a_wide_space():
    rng = np.random.default_rng(0)
    sheet = rng.uniform(size=(1500, 2)) @ np.linalg.qr(rng.standard_normal((50, 2)))[0].T
    assert _details(sheet)["intrinsic_dimension"] == pytest.approx(2.0, abs=0.2)


def test_orthogonal_directions_of_equal_spread_have_full_rank():
    features = np.vstack([np.eye(6), -np.eye(6)])
    details = _details(features)
    assert details["effective_rank"] == pytest.approx(6.0)
    assert details["participation_ratio"] == pytest.approx(6.0)
    # Unit rows of mean zero and covariance I/6: uniform.
    assert details["w2_uniformity"] == pytest.approx(0.0, abs=1e-6)


def test_one_direction_has_rank_one():
    details = _details(np.outer(np.arange(1.0, 13), [1.0, 2.0, 3.0]))
    assert details["effective_rank"] == pytest.approx(1.0)
    # All rows of length 1 coincide: as far from uniform as can be.
    assert details["w2_uniformity"] == pytest.approx(-math.sqrt(2))


def test_dead_dimensions_are_counted():
    features, labels = gaussian_classes([20, 20], 6)
    features[:, [1, 4]] = 3.0
    assert _details(features, labels)["dead_dimensions"] == 2


def test_labels_are_not_read(monkeypatch):
    monkeypatch.setattr(MODULE, "_MAX_ROWS", 30)
    features, labels = gaussian_classes([40, 20, 1], 6)
    details = _details(features, labels)
    assert details["sampled_rows"] == 30
    assert _details(features, np.random.default_rng(1).permutation(labels)) == details


def test_too_few_distinct_rows_have_no_intrinsic_dimension():
    assert "intrinsic_dimension" not in _details(np.repeat(np.eye(2), 6, axis=0))


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        METRIC(np.ones((12, 3)), np.arange(12) % 2)


def test_intrinsic_dimension_of_rows_that_are_nearly_equal():
    """Their distances are lost in the inner products: 1e-9 of rows of length 40."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((60, 200)) * 3
    features[30:] = features[:30] * (1 + 1e-9 * rng.standard_normal((30, 200)))
    assert _details(features, k=8)["intrinsic_dimension"] == pytest.approx(
        naive_intrinsic_dimension(features, 8), rel=1e-6
    )
