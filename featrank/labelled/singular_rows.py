"""The singular values of a layer's rows, and where its classes lie among the singular vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from featrank.labelled.class_statistics import statistics
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Float64Array
from featrank.records import IntArray

# Eigenvalues below this times the largest times the size of the matrix are rounding.
_RANK_TOLERANCE = 10 * np.finfo(np.float64).eps

# A squared correlation as near to 1 is 1.
_ROUNDING = 1e-12

# Columns that LAPACK works on together; its workspace is as many rows or columns.
_BLOCK = 64


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


def singular_rows(labelled: Labelled, *, standardised: bool) -> SingularRows:
    """The factorisation, shared by all metrics.

    It comes from the smaller of ZZᵀ and ZᵀZ, the latter put together from moments: streamed rows
    are needed only where they are fewer than their features.

    Args:
        labelled: Features and labels.
        standardised: Whether the features are centred and brought to variance 1 before.
    """
    few = labelled.n_samples < labelled.n_features
    factorise = _from_rows if few else _from_moments
    return labelled.remember(
        ("singular rows", standardised), lambda: factorise(labelled, standardised)
    )


def canonical_correlations(labelled: Labelled) -> Float64Array:
    """``(n_classes,)`` squared canonical correlations of features and classes, ascending.

    At most n_classes - 1 differ from zero. They do not mind the scale of a feature, so all are
    brought to the same one: a small feature beside a large one is not taken for rounding.
    """
    singular = singular_rows(labelled, standardised=True)
    cosines = singular.projections / np.sqrt(singular.counts)
    squared: Float64Array = np.clip(np.linalg.eigvalsh(cosines.T @ cosines), 0.0, 1.0)
    squared[squared > 1.0 - _ROUNDING] = 1.0
    return squared


def _from_rows(labelled: Labelled, standardised: bool) -> SingularRows:
    layer = statistics(labelled).layer
    rows = labelled.rows.take(layer.order, slice(None)).astype(np.float64)
    if standardised:
        rows -= layer.shift
        rows *= statistics(labelled).feature_scales
    indicators = np.eye(len(layer.counts))[layer.labels[layer.order]]
    squares, projections = _eigen(np.asfortranarray(rows @ rows.T), indicators)
    return SingularRows(squares, projections, layer.counts)


def _from_moments(labelled: Labelled, standardised: bool) -> SingularRows:
    from scipy.linalg.blas import dsyrk

    known = statistics(labelled)
    shift = np.zeros(known.n_features) if standardised else known.layer.shift
    # N Σ_T and, uncentred, N times the squared mean; the product fills the lower triangle only.
    root = np.sqrt(known.n_samples) * np.vstack([known.between_root, shift])
    second = known.n_samples * known.within
    second = dsyrk(1.0, root.T, beta=1.0, c=second, lower=True, overwrite_c=True)
    # ZᵀY: a class's column is the sum of its rows.
    sums = known.between_root.T * np.sqrt(known.counts * known.n_samples)
    sums += np.outer(shift, known.counts)
    if standardised:
        second *= known.feature_scales
        second *= known.feature_scales[:, None]
        sums *= known.feature_scales[:, None]
    squares, projections = _eigen(second, sums)
    return SingularRows(squares, projections / np.sqrt(squares)[:, None], known.counts)


def _eigen(matrix: Float64Array, columns: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Eigenvalues that are not rounding, ascending, and Vᵀ times the columns, V their eigenvectors.

    V = Q W, Q of the tridiagonal form, W the eigenvectors of that. Q is applied to the columns as
    the reflections that it is made of: with many fewer columns than rows the product Q W would be a
    quarter of the work.

    Args:
        matrix: ``(n, n)`` in Fortran's order; its lower triangle is read, and nothing is left.
        columns: ``(n, n_columns)``.
    """
    from scipy.linalg import eigh_tridiagonal
    from scipy.linalg.lapack import dormqr, dsytrd

    n_rows, n_columns = columns.shape
    reduced, diagonal, beside, scales, _ = dsytrd(
        matrix, lower=True, lwork=_BLOCK * n_rows, overwrite_a=True
    )
    values, vectors = eigh_tridiagonal(diagonal, beside, check_finite=False)
    kept = values > _RANK_TOLERANCE * n_rows * values[-1]
    turned = columns
    if n_rows > 1:
        # The first coordinate takes no part in the reflections.
        below, _, _ = dormqr("L", "T", reduced[1:, :-1], scales, columns[1:], _BLOCK * n_columns)
        turned = np.vstack([columns[:1], below])
    return values[kept], vectors[:, kept].T @ turned
