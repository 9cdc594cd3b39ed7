from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from featrank.labelled.row_geometry import squared_distances, unit_rows

ROWS = np.random.default_rng(0).standard_normal((20, 6))


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e-300, 1e200])
def test_unit_rows_at_any_scale(scale):
    expected = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    np.testing.assert_allclose(unit_rows(scale * ROWS), expected, rtol=1e-12)


def test_zero_rows_stay_zero():
    rows = ROWS.copy()
    rows[3] = 0.0
    assert not unit_rows(rows)[3].any()
    assert rows[2].tolist() == ROWS[2].tolist()


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
