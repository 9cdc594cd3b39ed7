from __future__ import annotations

import numpy as np
import pytest

from featrank.labelled.unit_rows import unit_rows

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


def test_the_scaling_rounds_nothing() -> None:
    plain = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    assert (unit_rows(ROWS) == plain).all()
    assert (unit_rows(ROWS * 2.0**900) == plain).all()
    assert (unit_rows(ROWS * 2.0**-900) == plain).all()
