"""The singular values of a layer's rows, and where its classes lie among the singular vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from featrank.metrics.class_statistics import statistics
from featrank.metrics.labelled import Labelled
from featrank.metrics.moments import Float64Array, sum_by_class
from featrank.records import IntArray

# Eigenvalues below this times the largest times the size of the matrix are rounding.
_RANK_TOLERANCE = 10 * np.finfo(np.float64).eps


@dataclass(frozen=True, slots=True)
class SingularRows:
    """The thin SVD Z = U S Vᵀ of the rows, as far as the classes need it.

    Attributes:
        squares: ``(rank,)`` squared singular values, ascending.
        projections: ``(rank, n_classes)`` Uᵀ Y, Y the classes' indicators.
        counts: ``(n_classes,)`` the squared lengths of Y's columns.
    """

    squares: Float64Array
    projections: Float64Array
    counts: IntArray

    @property
    def rank(self) -> int:
        return len(self.squares)


def singular_rows(labelled: Labelled, *, centred: bool) -> SingularRows:
    """The factorisation, shared by all metrics; ``centred`` takes the rows' mean away before.

    It comes from the smaller of ZZᵀ and ZᵀZ, the latter put together from moments: streamed rows
    are needed only where they are fewer than their features.
    """
    few = labelled.n_samples < labelled.n_features
    factorise = _from_rows if few else _from_moments
    return labelled.remember(("singular rows", centred), lambda: factorise(labelled, centred))


def canonical_correlations(labelled: Labelled) -> Float64Array:
    """``(n_classes,)`` squared canonical correlations of features and classes, ascending.

    At most n_classes - 1 differ from zero.
    """
    singular = singular_rows(labelled, centred=True)
    cosines = singular.projections / np.sqrt(singular.counts)
    squared: Float64Array = np.clip(np.linalg.eigvalsh(cosines.T @ cosines), 0.0, 1.0)
    return squared


def _from_rows(labelled: Labelled, centred: bool) -> SingularRows:
    layer = statistics(labelled).layer
    rows = labelled.rows.take(layer.order, slice(None)).astype(np.float64)
    if centred:
        rows -= layer.shift
    squares, left = _eigen(rows @ rows.T)
    projections = sum_by_class(layer.labels[layer.order], left, len(layer.counts)).T
    return SingularRows(squares, projections, layer.counts)


def _from_moments(labelled: Labelled, centred: bool) -> SingularRows:
    known = statistics(labelled)
    matrix = known.total()
    shift = np.zeros(known.n_features) if centred else known.layer.shift
    matrix += np.outer(shift, shift)
    matrix *= known.n_samples
    # ZᵀY: a class's column is the sum of its rows.
    sums = known.between_root.T * np.sqrt(known.counts * known.n_samples)
    sums += np.outer(shift, known.counts)
    squares, right = _eigen(matrix)
    projections = (right.T @ sums) / np.sqrt(squares)[:, None]
    return SingularRows(squares, projections, known.counts)


def _eigen(matrix: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Eigenvalues that are not rounding, ascending, and their eigenvectors as columns."""
    from scipy.linalg import eigh

    values, vectors = eigh(matrix, driver="evd", overwrite_a=True, check_finite=False)
    kept = values > _RANK_TOLERANCE * len(values) * values[-1]
    return values[kept], vectors[:, kept]
