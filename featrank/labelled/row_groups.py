"""Which rows belong together: by what the user says of them, and as copies of one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from featrank.records import IntArray


def join_groups(ids: Sequence[str] | None, names: Sequence[str] | None = None) -> IntArray | None:
    """A number for each row's group; None where every row stands alone.

    Rows of one content are one group, so that no copy of an image is learnt from while another is
    asked for; and so are rows of one name. Groups that share a content are one.

    Args:
        ids: Each row's content, such as a hash; None where that is not known.
        names: Each row's group as the user has it, empty where it stands alone; None for none.

    Returns:
        ``(n_rows,)`` int.
    """
    named = None if names is None else number_groups(names)
    if ids is None:
        return named
    # Not np.unique: an array of a million hashes takes 256 MB.
    number = {content: i for i, content in enumerate(dict.fromkeys(ids))}
    if len(number) == len(ids):
        return named
    contents = np.fromiter((number[content] for content in ids), np.int64, len(ids))
    return contents if named is None else _joined(named, contents)


def number_groups(names: Sequence[str]) -> IntArray:
    """A number for each row's group; rows with an empty name get one of their own."""
    given = np.asarray(names, dtype=np.str_)
    found, numbers = np.unique(given, return_inverse=True)
    alone = given == ""
    numbers[alone] = len(found) + np.arange(np.count_nonzero(alone))
    return numbers.astype(np.int64)


def _joined(first: IntArray, second: IntArray) -> IntArray:
    """The parts that hang together where rows are joined by either number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_first = int(first.max()) + 1
    n_nodes = n_first + int(second.max()) + 1
    ones = np.ones(len(first), np.int8)
    # Each row is an edge between its two numbers.
    edges = coo_array((ones, (first, n_first + second)), shape=(n_nodes, n_nodes))
    _, parts = connected_components(edges, directed=False)
    joined: IntArray = parts[first].astype(np.int64)
    return joined
