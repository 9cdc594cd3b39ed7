from __future__ import annotations

import numpy as np
import pytest
from feature_grid import features_of, on_the_grid, scatter_of
from sklearn.covariance import ledoit_wolf_shrinkage

from featrank.errors import InputError
from featrank.labelled.class_statistics import ledoit_wolf, shrunk, statistics
from featrank.labelled.labelled import Labelled


@on_the_grid
def test_covariances_are_their_definitions(case):
    features, labels = features_of(case)
    known = statistics(Labelled.from_arrays(features, labels))
    within, between, total = scatter_of(features, labels)
    np.testing.assert_allclose(known.within, within, atol=1e-12 * np.trace(within))
    np.testing.assert_allclose(known.total(), total, atol=1e-12 * np.trace(total))
    assert known.total_trace == pytest.approx(np.trace(total), rel=1e-12)
    values, vectors = known.between_values
    np.testing.assert_allclose(vectors.T * values @ vectors, between, atol=1e-10)
    assert known.total_shrinkage == pytest.approx(ledoit_wolf_shrinkage(features.astype(float)))


def test_is_made_once():
    labelled = Labelled.from_arrays(*features_of("200x32x4"))
    assert statistics(labelled) is statistics(labelled)


def test_shrinkage_at_its_ends():
    assert ledoit_wolf(np.eye(3), 100.0, 50) == 1.0
    assert ledoit_wolf(np.array([[2.0]]), 100.0, 50) == 0.0
    matrix = np.diag([1.0, 3.0])
    np.testing.assert_array_equal(shrunk(matrix, 0.5), np.diag([1.5, 2.5]))
    np.testing.assert_array_equal(matrix, np.diag([1.0, 3.0]))


def test_constant_features_are_an_error():
    with pytest.raises(InputError, match="constant"):
        statistics(Labelled.from_arrays(np.full((12, 3), 0.1), np.arange(12) % 2))
