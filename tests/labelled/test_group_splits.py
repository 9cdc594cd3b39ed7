"""hold_out_groups against a loop over sets of rows, and what it promises for any groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featrank.labelled.group_splits import groups_of_classes, hold_out_groups


def naive_hold_out(labels, groups, wanted, kept, rng):
    held = []
    for group in rng.permutation(max(groups) + 1):
        rows = [i for i in range(len(labels)) if groups[i] == group]
        classes = {labels[i] for i in rows}
        n_held = {c: sum(labels[i] == c for i in held) for c in classes}
        still = {
            c: sum(labels[i] == c for i in range(len(labels)) if i not in held and i not in rows)
            for c in classes
        }
        wants = any(n_held[c] < wanted[c] for c in classes)
        if wants and all(still[c] >= (kept[c] if n_held[c] else 1) for c in classes):
            held += rows
    return [i in held for i in range(len(labels))]


def numbered(values):
    return np.unique(values, return_inverse=True)[1]


@st.composite
def tables(draw):
    n_rows = draw(st.integers(2, 40))
    labels = draw(st.lists(st.integers(0, 4), min_size=n_rows, max_size=n_rows))
    groups = draw(st.lists(st.integers(0, 12), min_size=n_rows, max_size=n_rows))
    return numbered(labels), numbered(groups)


@settings(max_examples=200, deadline=None)
@given(tables(), st.integers(1, 6), st.integers(1, 6), st.integers(0, 9))
def test_equals_the_loop_and_leaves_a_row_of_every_class(table, wanted, kept, seed):
    labels, groups = table
    n_classes = labels.max() + 1
    goals = np.full(n_classes, wanted), np.full(n_classes, kept)
    out = hold_out_groups(labels, groups, *goals, np.random.default_rng(seed))
    assert out.tolist() == naive_hold_out(
        labels.tolist(), groups.tolist(), *goals, np.random.default_rng(seed)
    )
    assert not set(groups[out]) & set(groups[~out])
    n_groups = groups_of_classes(labels, groups, n_classes)
    assert n_groups.tolist() == [len(set(groups[labels == c])) for c in range(n_classes)]
    left = np.bincount(labels[~out], minlength=n_classes)
    assert (left > 0).all()
    own = [len(set(labels[np.isin(groups, groups[labels == c])])) == 1 for c in range(n_classes)]
    held = np.bincount(labels[out], minlength=n_classes)
    assert (held[(n_groups > 1) & own] > 0).all()


def test_every_group_is_held_out_as_often():
    labels, groups = np.repeat([0, 1], 12), np.arange(24) // 3
    goals = np.array([3, 3]), np.array([6, 6])
    rng = np.random.default_rng(0)
    share = np.mean([hold_out_groups(labels, groups, *goals, rng) for _ in range(4000)], axis=0)
    assert share == pytest.approx(0.25, abs=0.03)
