"""Whole groups of rows held out, where images belong together across and within classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from featrank.records import IntArray


def hold_out_groups(
    labels: IntArray,
    groups: IntArray,
    wanted: IntArray,
    kept: IntArray,
    rng: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Rows to hold out, such that no group stands on both sides.

    Groups are looked at in random order. One is held out where it has rows of a class that still
    wants some, and where each of its classes keeps enough of the others: ``kept`` rows, or a
    single one as long as none of that class is held out.

    A class of several groups always keeps a row; where its groups are its own, it also has one
    held out. scikit-learn's ``StratifiedGroupKFold`` promises neither.

    Args:
        labels: ``(n_rows,)``, each below the length of ``wanted`` and ``kept``.
        groups: ``(n_rows,)``, numbered without gaps.
        wanted: For each class, how many rows to hold out; the last group may bring more.
        kept: For each class, how many rows to leave.
        rng: The order of the groups.

    Returns:
        ``(n_rows,)``, True where held out.
    """
    n_groups = int(groups.max()) + 1
    pairs, sizes = np.unique(np.stack([groups, labels]), axis=1, return_counts=True)
    starts = np.searchsorted(pairs[0], np.arange(n_groups + 1))
    left = np.bincount(labels, minlength=len(wanted))
    held = np.zeros_like(left)
    chosen = np.zeros(n_groups, dtype=bool)
    for group in rng.permutation(n_groups):
        part = slice(starts[group], starts[group + 1])
        classes, n_rows = pairs[1, part], sizes[part]
        enough = np.where(held[classes] > 0, kept[classes], 1)
        if (held[classes] < wanted[classes]).any() and (left[classes] - n_rows >= enough).all():
            chosen[group] = True
            held[classes] += n_rows
            left[classes] -= n_rows
    return chosen[groups]


def groups_of_classes(labels: IntArray, groups: IntArray, n_classes: int) -> IntArray:
    """``(n_classes,)``: of how many groups each class has rows."""
    pairs = np.unique(np.stack([labels, groups]), axis=1)
    return np.bincount(pairs[0], minlength=n_classes)
