"""nc1 against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid, scatter_of

from featrank.errors import InputError
from featrank.metrics.nc1 import METRIC


@on_the_grid
def test_equals_the_formula(case):
    features, labels = features_of(case)
    within, between, _ = scatter_of(features, labels)
    inverse = np.linalg.pinv(between, rcond=1e-11, hermitian=True)
    expected = np.trace(within @ inverse) / len(np.unique(labels))
    assert METRIC(features, labels) == pytest.approx(expected, rel=1e-6)


def test_two_classes_have_a_closed_form():
    # Means at ±2 on the first axis, variance 1 along it; the second axis does not count.
    features = np.array([[1, 9], [3, -9], [-1, 5], [-3, -5]], dtype=float)
    assert METRIC(features, [0, 0, 1, 1]) == pytest.approx(1 / 4 / 2)


def test_collapse_is_zero():
    assert METRIC(np.repeat(np.eye(3), 4, axis=0), np.arange(12) // 4) == 0.0


def test_equal_means_are_an_error():
    with pytest.raises(InputError, match="same mean"):
        METRIC(np.repeat([[1.0, 2.0], [-1.0, 0.0]], 2, axis=0), [0, 1, 0, 1])


def test_float32_does_not_add_directions():
    labels, rng = np.arange(200) % 10, np.random.default_rng(0)
    narrow = rng.standard_normal((200, 3))
    narrow[:, 0] += labels
    features = narrow @ rng.standard_normal((3, 32))
    assert METRIC(features.astype(np.float32), labels) == pytest.approx(
        METRIC(features, labels), rel=1e-5
    )
