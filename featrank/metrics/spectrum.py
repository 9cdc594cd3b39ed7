"""Label-free diagnostics of the features' shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.labelled import Labelled
from featrank.labelled.row_geometry import squared_distances
from featrank.labelled.unit_rows import unit_rows
from featrank.metrics._declaration import Metric
from featrank.records import IntArray, Score

# More rows are sampled down to this many: all their distances are held (200 MB).
_MAX_ROWS = 5000

# Differences held at a time (32 MiB).
_DIFFERENCES = 2**22

# Of the root mean square: a feature with a smaller standard deviation is dead.
_DEAD = 1e-6

_EPSILON = float(np.finfo(np.float64).eps)


def compute(labelled: Labelled, *, k: int = 20, seed: int = 0) -> Score:
    """Effective rank, with other measures of how many dimensions the features use.

    None of these looks at the labels. With σ the singular values of the centred features and λ the
    eigenvalues of their covariance:

    - the value, ``effective_rank``: exp(-Σ q ln q), q = σ / Σσ (Roy & Vetterli, EUSIPCO 2007);
    - ``participation_ratio``: (Σλ)² / Σλ²;
    - ``dead_dimensions``: features whose standard deviation is below 1e-6 of the root mean square
      over the features;
    - ``w2_uniformity``: minus the 2-Wasserstein distance between the rows of length 1, as a
      Gaussian (μ, Σ), and the uniform one (0, I/d): its square is
      ‖μ‖² + 1 + tr Σ - (2/√d) tr Σ^½ (Fang et al., ICLR 2024, arXiv 2403.00642);
    - ``intrinsic_dimension``: the maximum likelihood estimate of Levina & Bickel, NeurIPS 2004,
      from the distances T_1 ≤ … ≤ T_k of each row to its k = 20 nearest, whose inverses are
      averaged over the N rows, as MacKay & Ghahramani showed (2005)::

          1/m = mean_i (1/(k-1)) Σ_{j<k} ln(T_k(i) / T_j(i))

    All depend on the number of rows: compare at equal N only, and not between widths.

    Edge rules: of equal rows one counts in the intrinsic dimension; k is at most one less than the
    distinct rows, and below 2 there is no estimate.

    Args:
        labelled: Features ``(n_samples, n_features)``; labels are not read. Above 5000 rows that
            many are drawn; ``details`` say so.
        k: Nearest neighbours for the intrinsic dimension.
        seed: Chooses the sample.

    Raises:
        InputError: Features are constant.
    """
    sample, details = draw_sample(labelled, _MAX_ROWS, seed, by_class=False)
    rows = sample.features
    variances = _covariance_eigenvalues(rows)
    singular = np.sqrt(variances)
    share = singular / singular.sum()
    effective_rank = float(np.exp(-(share * np.log(share)).sum()))
    deviations = rows.std(axis=0)
    dead = deviations < _DEAD * np.sqrt(np.square(deviations).mean())
    details = {
        "effective_rank": effective_rank,
        "participation_ratio": float(variances.sum() ** 2 / np.square(variances).sum()),
        "dead_dimensions": int(dead.sum()),
        "w2_uniformity": -_distance_to_uniform(unit_rows(rows)),
        **_intrinsic_dimension(rows, k),
        **details,
    }
    # One direction rounds to either side of 1.
    return Score(max(1.0, effective_rank), details=details)


def _covariance_eigenvalues(rows: Float64Array) -> Float64Array:
    """Those that are not rounding; of the smaller second-moment matrix, which has the same."""
    from scipy.linalg import eigvalsh

    centred = rows - rows.mean(axis=0)
    wide = centred.shape[1] > len(centred)
    moments = centred @ centred.T if wide else centred.T @ centred
    values = eigvalsh(moments, overwrite_a=True, check_finite=False) / len(rows)
    return np.asarray(values[values > len(values) * _EPSILON * values[-1]])


def _distance_to_uniform(unit: Float64Array) -> float:
    """The 2-Wasserstein distance, in the Gaussian approximation."""
    if not np.ptp(unit, axis=0).any():
        roots, trace = 0.0, 0.0
    else:
        variances = _covariance_eigenvalues(unit)
        roots, trace = float(np.sqrt(variances).sum()), float(variances.sum())
    mean_square = float(np.square(unit.mean(axis=0)).sum())
    return float(np.sqrt(max(0.0, mean_square + 1 + trace - 2 * roots / np.sqrt(unit.shape[1]))))


def _intrinsic_dimension(rows: Float64Array, k: int) -> dict[str, Any]:
    """The estimate, or nothing where there are too few distinct rows."""
    distinct = np.unique(rows, axis=0)
    k = min(k, len(distinct) - 1)
    if k < 2:
        return {}
    distances = squared_distances(distinct)
    np.fill_diagonal(distances, np.inf)
    neighbours = np.argpartition(distances, k - 1, axis=1)[:, :k]
    nearest = np.sort(_distances_to(distinct, neighbours), axis=1)
    inverses = np.log(nearest[:, -1:] / nearest[:, :-1]).sum(axis=1) / (k - 1)
    mean = float(inverses.mean())
    return {"intrinsic_dimension": 1 / mean} if mean > 0 else {}


def _distances_to(rows: Float64Array, neighbours: IntArray) -> Float64Array:
    """Of each row to its neighbours, ``(n_rows, k)``.

    From the differences: between rows that are nearly equal, inner products leave no digits to take
    a logarithm of.
    """
    distances = np.empty(neighbours.shape)
    step = max(1, _DIFFERENCES // (rows.shape[1] * neighbours.shape[1]))
    for start in range(0, len(rows), step):
        here = slice(start, start + step)
        distances[here] = np.linalg.norm(rows[neighbours[here]] - rows[here, None], axis=2)
    return distances


METRIC = Metric(
    name="spectrum",
    summary="effective rank and other label-free diagnostics",
    paper="Roy & Vetterli, EUSIPCO 2007",
    version=3,
    higher_is_better=True,
    predicts="nothing",
    cost="N² d",
    traps="Sees no label, so it ranks nothing by itself; compare at equal N and width only.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"k": 20, "seed": 0},
    bounds=(1.0, float("inf")),
    across_widths=False,
    sees_labels=False,
    reads_labels=False,
)
