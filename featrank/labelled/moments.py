"""What a set of rows leaves behind: enough for every metric that needs moments only."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from featrank.records import IntArray

Float64Array = npt.NDArray[np.float64]

# Of the squared deviations from the layer's class means: less than this is lost to rounding.
_ROUNDING = 1e-12

# Columns that are mirrored together.
_STRIP = 256


@dataclass(slots=True)
class Moments:
    """Sums over a set of rows; those of several sets add up to those of their union.

    Attributes:
        centres: ``(n_classes, n_features)`` the mean of each class over the whole layer. Deviations
            are taken from there, so that well separated classes do not cancel.
        counts: ``(n_classes,)`` rows of each class.
        deviations: ``(n_classes, n_features)`` summed over the rows.
        spreads: ``(n_classes,)`` squared lengths of the deviations, summed.
        squares: ``(n_features, n_features)`` second moments of the deviations, of which only the
            upper triangle is kept up, or ``(n_features,)``: their diagonal.
        fourth_within: Fourth powers of the deviations' lengths, summed.
        fourth_total: The same for deviations from the mean of the whole layer.
        low: ``(n_features,)`` smallest values.
        high: ``(n_features,)`` largest values.
    """

    centres: Float64Array
    counts: IntArray
    deviations: Float64Array
    spreads: Float64Array
    squares: Float64Array
    fourth_within: float
    fourth_total: float
    low: Float64Array
    high: Float64Array

    @classmethod
    def empty(cls, centres: Float64Array, *, full: bool) -> Moments:
        """Of no rows; ``full`` for all second moments rather than their diagonal."""
        n_classes, n_features = centres.shape
        return cls(
            centres=centres,
            counts=np.zeros(n_classes, np.int64),
            deviations=np.zeros_like(centres),
            spreads=np.zeros(n_classes),
            squares=np.zeros((n_features,) * (2 if full else 1), order="F"),
            fourth_within=0.0,
            fourth_total=0.0,
            low=np.full(n_features, np.inf),
            high=np.full(n_features, -np.inf),
        )

    @classmethod
    def union(cls, parts: Sequence[Moments]) -> Moments:
        """Of the rows of all parts together."""
        first, *others = parts
        total = copy.deepcopy(first)
        for part in others:
            total._add(part)
        return total

    def gather(self, labels: IntArray, rows: Float64Array) -> None:
        """Add rows, which are centred on the mean of the whole layer."""
        n_classes = len(self.counts)
        deviations = rows - self.centres[labels]
        lengths = np.einsum("ij,ij->i", deviations, deviations)
        self.counts += np.bincount(labels, minlength=n_classes)
        self.deviations += sum_by_class(labels, deviations, n_classes)
        self.spreads += np.bincount(labels, weights=lengths, minlength=n_classes)
        self.fourth_within += float(lengths @ lengths)
        self.fourth_total += float(np.square(np.einsum("ij,ij->i", rows, rows)).sum())
        if self.squares.ndim == 2:
            self.squares = _add_gram(self.squares, deviations, 1.0)
        else:
            self.squares += np.einsum("ij,ij->j", deviations, deviations)
        np.minimum(self.low, rows.min(axis=0), out=self.low)
        np.maximum(self.high, rows.max(axis=0), out=self.high)

    def _add(self, other: Moments) -> None:
        self.counts += other.counts
        self.deviations += other.deviations
        self.spreads += other.spreads
        self.squares += other.squares
        self.fourth_within += other.fourth_within
        self.fourth_total += other.fourth_total
        np.minimum(self.low, other.low, out=self.low)
        np.maximum(self.high, other.high, out=self.high)

    @property
    def n_samples(self) -> int:
        return int(self.counts.sum())

    @property
    def present(self) -> IntArray:
        """The classes that have rows here."""
        return np.flatnonzero(self.counts)

    @property
    def means(self) -> Float64Array:
        """``(n_present, n_features)``."""
        present = self.present
        means: Float64Array = (
            self.centres[present] + self.deviations[present] / self.counts[present, None]
        )
        return means

    def scatter(self, *, whole: bool = True) -> Float64Array:
        """Sum over rows of the squared deviation from the class mean: a matrix, or its diagonal.

        Exactly zero where rounding is all that is left, as when no class has two different rows.

        Args:
            whole: False where the upper triangle of the matrix is enough.
        """
        scaled = self.deviations[self.present] / np.sqrt(self.counts[self.present, None])
        if self.squares.ndim == 1:
            diagonal = np.maximum(self.squares - np.square(scaled).sum(axis=0), 0.0)
            negligible = diagonal.sum() <= _ROUNDING * self.squares.sum()
            return np.zeros_like(diagonal) if negligible else np.asarray(diagonal)
        scatter = _add_gram(self.squares.copy(order="F"), scaled, -1.0)
        if np.trace(scatter) <= _ROUNDING * np.trace(self.squares):
            return np.zeros_like(scatter)
        if whole:
            _mirror(scatter)
        return scatter

    def between_root(self) -> Float64Array:
        """``(n_present, n_features)``: the between-class scatter is ``root.T @ root``.

        Exactly zero where the class means differ by rounding only.
        """
        counts = self.counts[self.present, None]
        means = self.means
        root: Float64Array = np.sqrt(counts) * (means - counts[:, 0] @ means / self.n_samples)
        scale = np.square(np.sqrt(counts) * self.centres[self.present]).sum()
        return np.zeros_like(root) if np.square(root).sum() <= _ROUNDING**2 * scale else root


def _add_gram(squares: Float64Array, rows: Float64Array, factor: float) -> Float64Array:
    """The upper triangle of ``squares + factor * rows.T @ rows``, in place."""
    from scipy.linalg.blas import dsyrk

    added: Float64Array = dsyrk(factor, rows.T, beta=1.0, c=squares, overwrite_c=True)
    return added


def _mirror(matrix: Float64Array) -> None:
    """Copy the upper triangle to the lower one, a strip at a time: the matrix may be large."""
    for start in range(0, len(matrix), _STRIP):
        stop = start + _STRIP
        corner = matrix[start:stop, start:stop]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T


def sum_by_class(labels: IntArray, rows: Float64Array, n_classes: int) -> Float64Array:
    """``(n_classes, n_features)``."""
    from scipy.sparse import csr_array

    members = csr_array(
        (np.ones(len(labels)), (labels, np.arange(len(labels)))),
        shape=(n_classes, len(labels)),
    )
    return np.asarray(members @ rows)


def rows_as_they_are(rows: Float64Array) -> Float64Array:
    """The rows themselves."""
    return rows
