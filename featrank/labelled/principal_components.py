"""Principal components, exact and cheap for wide features too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError

Float64Array = npt.NDArray[np.float64]

# Relative to the largest variance; what is left below it is rounding.
_NEGLIGIBLE = 1e-12


def principal_components(
    rows: Float64Array, n_components: int, *, share: float = 1.0
) -> Float64Array:
    """The rows' coordinates along their principal axes, largest variance first.

    scikit-learn's exact solvers take a multiple of the time where rows are fewer than features;
    here the smaller of the two second-moment matrices is decomposed. Signs follow scikit-learn:
    the largest loading of each axis is positive. Axes without variance are left out.

    Args:
        rows: ``(n_samples, n_features)``, not all equal.
        n_components: At most this many.
        share: As few as hold more than this share of the variance, where that is fewer.

    Returns:
        ``(n_samples, n_kept)``.

    Raises:
        InputError: No component asked for.
    """
    from scipy.linalg import eigh

    if n_components < 1:
        raise InputError(f"n_components must be at least 1, got {n_components}")
    centred = rows - rows.mean(axis=0)
    n_samples, n_features = centred.shape
    wide = n_features > n_samples
    moments = centred @ centred.T if wide else centred.T @ centred
    size = len(moments)
    # Without a share to reach, the other axes need not be computed.
    first = max(0, size - n_components) if share >= 1 else 0
    total = float(np.trace(moments))
    variances, vectors = eigh(
        moments, subset_by_index=(first, size - 1), overwrite_a=True, check_finite=False
    )
    variances, vectors = variances[::-1], vectors[:, ::-1]
    kept = int((variances > _NEGLIGIBLE * variances[0]).sum())
    enough = 1 + int((np.cumsum(variances) <= share * total).sum())
    kept = min(kept, enough, n_components)
    variances, vectors = variances[:kept], vectors[:, :kept]
    axes = centred.T @ vectors if wide else vectors
    sign = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(kept)])
    scores: Float64Array = vectors * np.sqrt(variances) if wide else centred @ vectors
    return np.asarray(scores * sign)
