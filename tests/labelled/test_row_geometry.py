from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from featrank.labelled.row_geometry import squared_distances

ROWS = np.random.default_rng(0).standard_normal((20, 6))


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_squared_distances(offset):
    rows = ROWS + offset
    distances = squared_distances(rows)
    np.testing.assert_allclose(distances, cdist(rows, rows, "sqeuclidean"), rtol=1e-9, atol=1e-12)
    assert not np.diag(distances).any()


def test_an_outlier_leaves_the_others_their_digits():
    rows = ROWS.copy()
    rows[0, 0] = 1e12
    distances = squared_distances(rows)[1:, 1:]
    np.testing.assert_allclose(distances, cdist(ROWS, ROWS, "sqeuclidean")[1:, 1:], rtol=1e-9)
