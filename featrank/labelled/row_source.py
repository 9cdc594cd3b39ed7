"""Where a layer's rows come from: an array, or blocks that can be read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError
from featrank.records import FloatArray, IntArray

# Values of a block of rows (8 MiB as float64): the features are never converted whole.
BLOCK_VALUES = 2**20

# Leading columns of streamed rows that stay in memory: they settle the order of nearly all rows.
HEAD_COLUMNS = 16

Blocks = Callable[[], Iterable[tuple[npt.ArrayLike, npt.ArrayLike]]]


class RowSource(Protocol):
    """The rows of a layer, each known by its index."""

    n_samples: int
    n_features: int
    dtype: np.dtype[Any]

    def blocks(self, order: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
        """All rows, a block at a time, with their indices; in that order where it costs nothing.

        A block is gone when the next one is asked for.
        """

    def take(self, rows: IntArray, columns: slice) -> FloatArray:
        """Some columns of some rows, in the order asked."""


class ArrayRows:
    """Rows in memory.

    Args:
        array: ``(n_samples, n_features)``.
    """

    def __init__(self, array: FloatArray) -> None:
        self.array = array
        self.n_samples, self.n_features = array.shape
        self.dtype = array.dtype

    def blocks(self, order: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
        step = _rows_per_block(self.n_features)
        for start in range(0, len(order), step):
            rows = order[start : start + step]
            yield rows, self.array[rows]

    def take(self, rows: IntArray, columns: slice) -> FloatArray:
        return self.array[rows, columns]


class StreamedRows:
    """Rows that are read again whenever they are needed; only their head stays in memory.

    Args:
        read: Starts reading from the first row: blocks of ``(features, labels)``.
        head: ``(n_samples, at most 16)``: the leading columns.
        n_features: The whole width.
        dtype: float32 or float64.
    """

    def __init__(
        self, read: Blocks, head: FloatArray, n_features: int, dtype: np.dtype[Any]
    ) -> None:
        self._read = read
        self._head = head
        self.n_samples = len(head)
        self.n_features = n_features
        self.dtype = dtype

    def blocks(self, order: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
        """All rows as they are stored, whatever the order asked for."""
        del order
        first = 0
        for block in self._resized(_rows_per_block(self.n_features)):
            yield np.arange(first, first + len(block)), block
            first += len(block)
        if first != self.n_samples:
            raise InputError(
                f"{self.n_samples} rows were read at first, and {first} when they were read again"
            )

    def _resized(self, step: int) -> Iterator[FloatArray]:
        """The rows in blocks of ``step``: small ones would be spent on waiting for threads."""
        block = np.empty((step, self.n_features), self.dtype)
        filled = 0
        for features, _ in self._read():
            rest = np.asarray(features)
            while len(rest):
                part, rest = rest[: step - filled], rest[step - filled :]
                block[filled : filled + len(part)] = part
                filled += len(part)
                if filled == step:
                    yield block
                    filled = 0
        if filled:
            yield block[:filled]

    def take(self, rows: IntArray, columns: slice) -> FloatArray:
        if columns.stop is not None and columns.stop <= self._head.shape[1]:
            return self._head[rows, columns]
        width = len(range(*columns.indices(self.n_features)))
        taken = np.empty((len(rows), width), self.dtype)
        by_row = np.argsort(rows, kind="stable")
        wanted = rows[by_row]
        for found, block in self.blocks(rows):
            here = slice(*np.searchsorted(wanted, (found[0], found[-1] + 1)))
            taken[by_row[here]] = block[wanted[here] - found[0], columns]
        return taken


def _rows_per_block(n_features: int) -> int:
    return max(1, BLOCK_VALUES // n_features)
