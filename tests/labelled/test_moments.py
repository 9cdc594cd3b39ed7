from __future__ import annotations

import numpy as np
import pytest

from featrank.labelled.moments import Moments, sum_by_class
from featrank.labelled.unit_rows import unit_rows

RNG = np.random.default_rng(0)
ROWS, LABELS = RNG.standard_normal((30, 4)), np.repeat([0, 2], [18, 12])
CENTRES = np.zeros((3, 4))


def _of(rows, labels, full=True):
    moments = Moments.empty(CENTRES, full=full)
    moments.gather(labels, rows)
    return moments


@pytest.mark.parametrize("full", [True, False])
def test_parts_add_up_to_the_whole(full):
    whole = _of(ROWS, LABELS, full)
    halves = [_of(ROWS[:11], LABELS[:11], full), _of(ROWS[11:], LABELS[11:], full)]
    union = Moments.union(halves)
    for name in Moments.__slots__:
        np.testing.assert_allclose(getattr(union, name), getattr(whole, name), atol=1e-12)
    assert [half.n_samples for half in halves] == [11, 19]  # left as they were


def test_a_scatter_wider_than_a_strip_is_whole():
    rows = RNG.standard_normal((40, 600))
    moments = Moments.empty(np.zeros((1, 600)), full=True)
    for half in (rows[:15], rows[15:]):
        moments.gather(np.zeros(len(half), np.int64), half)
    centred = rows - rows.mean(axis=0)
    np.testing.assert_allclose(moments.scatter(), centred.T @ centred, atol=1e-11)


def test_scatters_are_their_definitions():
    moments = _of(ROWS, LABELS)
    means = np.array([ROWS[:18].mean(axis=0), ROWS[18:].mean(axis=0)])
    centred = ROWS - means[LABELS // 2]
    np.testing.assert_allclose(moments.scatter(), centred.T @ centred, atol=1e-12)
    np.testing.assert_array_equal(moments.present, [0, 2])
    root = moments.between_root()
    total = (ROWS - ROWS.mean(axis=0)).T @ (ROWS - ROWS.mean(axis=0))
    np.testing.assert_allclose(root.T @ root + moments.scatter(), total, atol=1e-12)
    assert moments.fourth_total == pytest.approx((np.linalg.norm(ROWS, axis=1) ** 4).sum())


def test_sums_of_absent_classes_are_zero():
    sums = sum_by_class(LABELS, ROWS, 4)
    np.testing.assert_allclose(sums[0], ROWS[:18].sum(axis=0))
    np.testing.assert_array_equal(sums[[1, 3]], 0.0)


def test_zero_rows_stay_zero():
    np.testing.assert_array_equal(unit_rows(np.array([[3.0, 4.0], [0, 0]])), [[0.6, 0.8], [0, 0]])


@pytest.mark.parametrize("full", [True, False])
def test_a_row_for_each_class_leaves_no_rounding(full):
    assert not _of(ROWS[[0, -1]], LABELS[[0, -1]], full).scatter().any()
    assert not _of(ROWS[[3, 3, 3]], LABELS[[3, 3, 3]], full).scatter().any()


def test_equal_means_leave_no_rounding():
    moments = Moments.empty(np.array([[0.1, 0.7], [-0.3, 0.2]]), full=False)
    row = np.array([1 / 3, -0.1])
    moments.gather(np.array([0, 1, 1]), np.array([row, row, row]))
    assert not moments.between_root().any()
