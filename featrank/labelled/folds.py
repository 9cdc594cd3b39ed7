"""Stratified folds that depend on the data alone, not on the order of rows or names of classes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.labelled.row_source import HEAD_COLUMNS
from featrank.records import IntArray

# Columns compared at a time: the first few settle the order of nearly all rows.
_COLUMNS = HEAD_COLUMNS

# Values compared at a time after that.
_VALUES = 2**22

Keys = Callable[[IntArray, slice], npt.NDArray[Any]]


def stratified_folds(labelled: Labelled, folds: int = 5, seed: int = 0) -> IntArray:
    """The test fold of every row.

    scikit-learn's ``StratifiedKFold`` over the rows in :func:`canonical_order`::

        order = canonical_order(labelled)
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        splits = splitter.split(order, labelled.labels[order])  # indices into order

    Where every class has fewer members than ``folds``, the largest class's size is used instead.
    Rows of a group all stand in one fold: ``StratifiedGroupKFold``, the groups numbered in the same
    order; folds that stay empty are left out.

    Returns:
        ``(n_samples,)`` int, from 0.

    Raises:
        InputError: Fewer than two folds asked for, every class has a single sample, or all rows
            belong to one group.
    """
    fold = np.empty(labelled.n_samples, dtype=np.int64)
    for index, rows in enumerate(fold_rows(labelled, folds, seed)):
        fold[rows] = index
    return fold


def fold_rows(labelled: Labelled, folds: int = 5, seed: int = 0) -> list[IntArray]:
    """Every fold's test rows, in canonical order; see :func:`stratified_folds`."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if folds < 2:
        raise InputError(f"folds must be at least 2, got {folds}")
    largest = int(labelled.counts.max())
    if largest < 2:
        raise InputError(
            "every class has a single sample: none has another to stand beside it",
            "add images: at least one class needs two",
        )
    order = canonical_order(labelled)
    groups = None if labelled.groups is None else groups_by_first_row(labelled.groups[order])
    n_groups = len(order) if groups is None else int(groups.max()) + 1
    if n_groups < 2:
        raise InputError(
            "all images belong to one group: nothing is left to learn from when it is held out",
            "add images of other groups, or leave out the column",
        )
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(min(folds, largest, n_groups), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class smaller than the number of folds is absent from some test folds: intended.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        splits = splitter.split(order, labelled.labels[order], groups)
        return [order[test] for _, test in splits if len(test)]


def canonical_order(labelled: Labelled) -> IntArray:
    """The rows sorted by content.

    Where all rows differ this is ``np.lexsort(features.astype(np.float32).T[::-1])``: values are
    rounded to float32, so that a float32 and a float64 copy of the same data get the same folds.
    Equal rows are sorted by class, and classes by which places their rows hold in the order, so
    that names play no part; what float32 cannot tell apart comes last.
    """
    return labelled.remember("canonical order", lambda: _canonical_order(labelled))


def classes_by_first_row(labels: IntArray) -> IntArray:
    """The classes that come up, in the order in which they do."""
    present, first = np.unique(labels, return_index=True)
    return present[np.argsort(first)]


def groups_by_first_row(groups: IntArray) -> IntArray:
    """Groups numbered in the order in which they come up, whatever their numbers were."""
    _, first, numbers = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[numbers]


def _canonical_order(labelled: Labelled) -> IntArray:
    features, width = labelled.rows.take, labelled.n_features
    # The long part, and no label is read in it.
    rank = labelled.remember(
        "rank of rows",
        lambda: _refine(np.zeros(labelled.n_samples, np.int64), features, width, np.float32),
        of_rows=True,
    )
    wide = labelled.rows.dtype != np.float32
    # Where float32 cannot tell whole classes apart, float64 does before their names would.
    exact = _refine(rank, features, width, np.float64) if wide else rank
    places = [
        (np.sort(rank[rows]).tolist(), np.sort(exact[rows]).tolist())
        for rows in map(labelled.rows_of, range(labelled.n_classes))
    ]
    class_rank = np.empty(len(places), dtype=np.int64)
    class_rank[sorted(range(len(places)), key=places.__getitem__)] = np.arange(len(places))
    of_class = class_rank[labelled.labels][:, None]
    rank = _refine(rank, lambda rows, columns: of_class[rows, columns], 1, np.int64)
    if wide:
        rank = _refine(rank, features, width, np.float64)
    return np.argsort(rank, kind="stable")


def _refine(rank: IntArray, keys: Keys, n_columns: int, dtype: npt.DTypeLike) -> IntArray:
    """Break ties of a ranking by ``keys``, first column first.

    ``rank`` counts the rows that stand before a row, so tied rows share a number. Only rows that
    are still tied are looked at again, which keeps wide features cheap, and streamed ones to a
    single further reading unless a great many rows are equal.
    """
    rank = rank.copy()
    start = 0
    while start < n_columns:
        tied = np.flatnonzero(np.bincount(rank)[rank] > 1)
        if not tied.size:
            break
        stop = start + (_COLUMNS if start == 0 else max(_COLUMNS, _VALUES // tied.size))
        block = keys(tied, slice(start, min(stop, n_columns))).astype(dtype)
        order = np.lexsort((*block.T[::-1], rank[tied]))
        rows, block = tied[order], block[order]
        new_group = np.diff(rank[rows], prepend=-1) > 0
        new_value = new_group.copy()
        new_value[1:] |= (block[1:] != block[:-1]).any(axis=1)
        rank[rows] += _latest(new_value) - _latest(new_group)
        start = stop
    return rank


def _latest(flags: npt.NDArray[np.bool_]) -> IntArray:
    """For each position, the last one up to it where the flag is set."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), 0))
