"""Streamed rows against the same rows in memory."""

from __future__ import annotations

import numpy as np
import pytest
from feature_grid import in_blocks

from featrank.errors import InputError
from featrank.labelled import row_source
from featrank.labelled.folds import stratified_folds
from featrank.labelled.labelled import Labelled
from featrank.metrics import METRICS

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 90)


def _both(features, labels=LABELS, rows=37):
    streamed = Labelled.from_blocks(in_blocks(features, labels, rows))
    return Labelled.from_arrays(features, labels), streamed


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 37, 90, 1000])
def test_is_the_same_layer(dtype, rows):
    whole, streamed = _both(RNG.standard_normal((90, 40)).astype(dtype), rows=rows)
    assert streamed.classes == whole.classes
    np.testing.assert_array_equal(streamed.labels, whole.labels)
    np.testing.assert_array_equal(streamed.counts, whole.counts)
    assert (streamed.n_samples, streamed.n_features) == (90, 40)
    assert streamed.rows.dtype == whole.rows.dtype


def test_text_labels_of_any_length():
    names = np.array(["a", "zebra", "bee"])[LABELS]
    whole, streamed = _both(RNG.standard_normal((90, 3)), names, rows=7)
    assert streamed.classes == whole.classes == ("a", "bee", "zebra")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [40, 5])
@pytest.mark.parametrize("tied", [0, 20, 40])
def test_folds_are_those_in_memory(dtype, columns, tied):
    features = RNG.standard_normal((90, columns)).astype(dtype)
    features[:, :tied] = RNG.integers(0, 2, (90, min(tied, columns)))
    features[10:20] = features[10]
    whole, streamed = _both(features)
    np.testing.assert_array_equal(stratified_folds(streamed), stratified_folds(whole))


@pytest.mark.parametrize("columns", [slice(0, 5), slice(10, 30), slice(None)])
def test_rows_are_taken_in_the_order_asked(monkeypatch, columns):
    features = RNG.standard_normal((90, 40))
    wanted = np.array([80, 3, 44, 36, 37, 3])
    monkeypatch.setattr(row_source, "BLOCK_VALUES", 40 * 10)
    for labelled in _both(features):
        taken = labelled.rows.take(wanted, columns)
        np.testing.assert_array_equal(taken, features[wanted, columns])


def test_blocks_are_no_larger_than_stated(monkeypatch):
    monkeypatch.setattr(row_source, "BLOCK_VALUES", 40 * 10)
    features = RNG.standard_normal((90, 40))
    for labelled in _both(features):
        order = np.arange(90)[::-1]
        blocks = [(found, block.copy()) for found, block in labelled.rows.blocks(order)]
        assert max(len(block) for _, block in blocks) == 10
        for found, block in blocks:
            np.testing.assert_array_equal(block, features[found])
        assert sorted(np.concatenate([found for found, _ in blocks])) == list(range(90))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x, y: (np.where(np.arange(90)[:, None] == 77, np.nan, x), y), "first in row 77"),
        (lambda x, y: (x, np.zeros(90, int)), "only one class"),
        (lambda x, y: (x[:, 0], y), "must have shape"),
        (lambda x, y: (x[:0], y[:0]), "no rows"),
    ],
)
def test_bad_blocks_are_named(spoil, message):
    with pytest.raises(InputError, match=message):
        Labelled.from_blocks(in_blocks(*spoil(RNG.standard_normal((90, 4)), LABELS)))


@pytest.mark.parametrize(
    ("block", "message"),
    [((np.ones((3, 5)), [0, 1, 0]), "blocks of 4 and of 5"), ((np.ones((3, 4)), [0, 1]), "3 rows")],
)
def test_blocks_that_do_not_fit_are_named(block, message):
    with pytest.raises(InputError, match=message):
        Labelled.from_blocks(lambda: [(np.ones((2, 4)), [0, 1]), block])


def test_all_features_at_once_are_refused():
    _, streamed = _both(RNG.standard_normal((90, 4)))
    with pytest.raises(InputError, match="in memory"):
        _ = streamed.features


def test_rows_that_are_not_there_the_second_time_are_named():
    features, labels = np.random.default_rng(0).standard_normal((60, 4)), np.arange(60) % 3
    readings = iter([((features, labels),), ((features[:40], labels[:40]),)])
    labelled = Labelled.from_blocks(lambda: next(readings))
    with pytest.raises(InputError, match="60 rows were read at first, and 40"):
        METRICS.get("ncm").score(labelled)
