from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from featrank.labelled.row_groups import join_groups, number_groups


def partition(numbers: object) -> list[int]:
    """Each row's group by the first row that is in it."""
    listed = np.asarray(numbers).tolist()
    return [listed.index(number) for number in listed]


def test_rows_that_all_stand_alone() -> None:
    assert join_groups(["a", "b", "c"]) is None
    assert join_groups(None) is None
    assert join_groups([]) is None


def test_copies_are_one_group() -> None:
    assert partition(join_groups(["a", "b", "a", "c"])) == [0, 1, 0, 3]


def test_groups_that_share_a_copy_are_one() -> None:
    ids = ["a", "b", "a", "c", "d", "e"]
    names = ["p", "p", "q", "q", "", ""]
    assert partition(join_groups(ids, names)) == [0, 0, 0, 0, 4, 5]
    assert partition(join_groups(None, names)) == [0, 0, 2, 2, 4, 5]
    assert partition(number_groups(names)) == [0, 0, 2, 2, 4, 5]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["", "p", "q", "r"]))))
def test_as_joining_pair_by_pair_does(rows: list[tuple[str, str]]) -> None:
    ids, names = [row[0] for row in rows], [row[1] for row in rows]
    expected = list(range(len(rows)))
    for _ in rows:  # once for each row is enough to carry a number through any chain
        for i in range(len(rows)):
            for j in range(i):
                if ids[i] == ids[j] or (names[i] and names[i] == names[j]):
                    expected[i] = expected[j] = min(expected[i], expected[j])
    found = join_groups(ids, names)
    if found is None:
        found = np.arange(len(rows))
    assert partition(found) == partition(expected)
