"""Intra-class feature variance as an entropy."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.labelled.remarks import clamped, too_small
from featrank.metrics._declaration import Metric
from featrank.records import FloatArray, IntArray, Score

if TYPE_CHECKING:
    import torch

# Rows whose distances to each other are held at a time: 128 MiB as float64.
_SQUARE_ROWS = 4096

# Values compared at a time: as many columns as leave those of all rows in the processor's nearest
# cache, and few enough that one pair's maximum is taken while the last pair's is still under way
# (500 x 1280: half of the time of whole rows). Vectors of the processor are filled.
_BLOCK_VALUES = 12_800
_VECTOR = 16
_LEAST_COLUMNS = 5 * _VECTOR

# Rows of small classes gathered together, for the same reason.
_RUN_ROWS = 512

# Coordinate differences, summed over the classes, from which torch repays being imported.
_TORCH_WORK = 5e9

Float64Array = npt.NDArray[np.float64]


def compute(labelled: Labelled, *, k: int = 3, r_min: float = 1.0) -> Score:
    """Mean over classes of p_c · H_c, H_c the entropy of the class's features.

    Xu & Kang, "Fast and Accurate Transferability Measurement by Evaluating Intra-class Feature
    Variance", ICCV 2023 (arXiv 2308.05986). H_c is the Kozachenko-Leonenko estimate in the
    max-norm, whose unit ball adds nothing::

        H_c = ψ(n_c) - ψ(k) + (d / n_c) Σ_i ln(2 max(r_i, r_min))

    with d = n_features, p_c = n_c / n_samples and r_i the max-norm distance of row i to its k-th
    neighbour of its own class, itself excluded. The paper centres the features; distances do not
    change, so this does not. Higher is better: more variation inside classes.

    The number grows with the width and with the scale of the features, and labels that are wrong
    raise it. Where features are small every r_i is clamped and the number says nothing: read
    ``clamped_fraction``.

    Edge rules: a class of one sample contributes 0 and counts in the mean; a class of 2 to k
    samples, whose estimate is infinite, is dropped from the mean. ``details`` name both.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        k: Which neighbour.
        r_min: Smaller distances count as this.

    Raises:
        InputError: No class has more than k samples.
    """
    require_parameters("tmi", k, r_min)
    entropies, clamped_fraction = class_entropies(labelled, k, r_min)
    counts = labelled.counts
    total = sum(counts[label] / labelled.n_samples * h for label, h in entropies.items())
    dropped = names_of(labelled, (counts > 1) & (counts <= k))
    alone = names_of(labelled, counts == 1)
    remarks = [*clamped(clamped_fraction), *too_small(dropped)]
    if alone:
        remarks.append(f"classes of one image, counted as 0: {', '.join(alone)}")
    return Score(
        float(total / (len(entropies) + len(alone))),
        details={
            "clamped_fraction": clamped_fraction,
            "dropped_classes": dropped,
            "single_classes": alone,
        },
        remarks=tuple(remarks),
    )


def names_of(labelled: Labelled, chosen: npt.NDArray[np.bool_]) -> list[str]:
    """The names of the chosen classes.

    Args:
        labelled: Has the classes.
        chosen: ``(n_classes,)``.
    """
    return [str(labelled.classes[label]) for label in np.flatnonzero(chosen)]


def require_parameters(metric: str, k: int, r_min: float) -> None:
    """Refuse what is no neighbour or no distance.

    Raises:
        InputError: k below 1, or r_min not above 0.
    """
    if k < 1 or r_min <= 0:
        raise InputError(
            f"{metric} needs k of at least 1 and r_min above 0, got k={k}, r_min={r_min}"
        )


def class_entropies(labelled: Labelled, k: int, r_min: float) -> tuple[dict[int, float], float]:
    """H_c of every class of more than k samples, and the fraction of clamped distances.

    Raises:
        InputError: No class has more than k samples.
    """
    from scipy.special import digamma

    counts = labelled.counts
    estimated = np.flatnonzero(counts > k)
    if not estimated.size:
        raise InputError(
            f"tmi needs a class of more than {k} samples, the largest has {counts.max()}",
            "add images, or lower k",
        )
    sizes = counts[estimated]
    distances = labelled.remember(
        ("distances to a neighbour", k), lambda: _distances(labelled, estimated, k)
    )
    log_widths = np.log(2.0 * np.maximum(distances, r_min))
    means = np.add.reduceat(log_widths, np.cumsum(sizes) - sizes) / sizes
    entropies = digamma(sizes) - digamma(k) + labelled.n_features * means
    clamped = np.count_nonzero(distances <= r_min) / len(distances)
    return dict(zip(estimated.tolist(), entropies.tolist(), strict=True)), clamped


def _distances(labelled: Labelled, classes: IntArray, k: int) -> Float64Array:
    """The distances of these classes' rows to their k-th neighbours, class after class."""
    sizes = labelled.counts[classes]
    work = float(np.square(sizes, dtype=np.float64).sum()) * labelled.n_features
    # Both give the same bits.
    use_torch = "torch" in sys.modules or work > _TORCH_WORK
    of_classes = _torch_distances if use_torch else _scipy_distances
    return np.concatenate(of_classes(labelled, classes, k))


def _scipy_distances(labelled: Labelled, classes: IntArray, k: int) -> list[Float64Array]:
    """The rows' distances to their k-th neighbour, class by class."""
    return [
        _kth_distances_scipy(labelled.features[labelled.rows_of(label)], k)
        for label in classes.tolist()
    ]


def _torch_distances(labelled: Labelled, classes: IntArray, k: int) -> list[Float64Array]:
    """As above, for several small classes at a time."""
    import torch

    sizes = labelled.counts[classes]
    runs = zip(sizes > _SQUARE_ROWS, np.cumsum(sizes) // _RUN_ROWS, classes, strict=True)
    found: list[Float64Array] = []
    # Without autograd's books, which small classes feel.
    with torch.inference_mode():
        features = _as_tensor(labelled.features)
        for (large, _), run in groupby(runs, itemgetter(0, 1)):
            rows = [torch.from_numpy(labelled.rows_of(label)) for *_, label in run]
            if large:
                found.append(_kth_distances_torch(features, rows[0], k))
            else:
                found += [_kth(square, k) for square in _squares(features, rows)]
    return found


def _as_tensor(features: FloatArray) -> torch.Tensor:
    import torch

    with warnings.catch_warnings():
        # Of an array that may not be written to: nothing here does.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return torch.from_numpy(features)
        except ValueError:
            # A view that torch has no words for, such as one that runs backwards.
            return torch.from_numpy(features.copy())


def _kth_distances_scipy(rows: FloatArray, k: int) -> Float64Array:
    from scipy.spatial.distance import cdist

    exact = rows.astype(np.float64)
    step = max(1, _SQUARE_ROWS**2 // len(rows))
    distances = np.concatenate(
        [
            _kth(cdist(exact[start : start + step], exact, "chebyshev"), k)
            for start in range(0, len(rows), step)
        ]
    )
    # The largest difference, rounded, is the largest of the rounded ones: as torch has it.
    return distances.astype(rows.dtype).astype(np.float64)


def _kth_distances_torch(features: torch.Tensor, rows: torch.Tensor, k: int) -> Float64Array:
    """As above for a class too large for one square, put together from pairs of its parts."""
    import torch

    parts = torch.split(rows, _SQUARE_ROWS // 2)
    nearest: list[FloatArray] = []
    for i, part in enumerate(parts):
        (square,) = _squares(features, [part])
        nearest.append(_smallest(square, k + 1))
        for j in range(i):
            (square,) = _squares(features, [torch.cat([part, parts[j]])])
            across = square[: len(part), len(part) :]
            nearest[i] = _smallest(np.hstack([nearest[i], across]), k + 1)
            nearest[j] = _smallest(np.hstack([nearest[j], across.T]), k + 1)
    return np.concatenate([_kth(distances, k) for distances in nearest])


def _squares(features: torch.Tensor, classes: list[torch.Tensor]) -> Iterator[FloatArray]:
    """For each class, given as indices of rows, the distances between its rows.

    ``pdist`` alone is vectorised in the max-norm (measured on 2 cores: 9 times ``torch.cdist``, 6
    times SciPy).
    """
    import torch
    from scipy.spatial.distance import squareform

    sizes = [len(rows) for rows in classes]
    together = torch.cat(classes)
    width = max(_LEAST_COLUMNS, _BLOCK_VALUES // max(sizes) // _VECTOR * _VECTOR)
    condensed: list[torch.Tensor] = []
    for columns in torch.split(features, width, dim=1):
        blocks = torch.split(columns.index_select(0, together), sizes)
        found = [torch.pdist(block, p=float("inf")) for block in blocks]
        condensed = list(map(torch.maximum, condensed, found)) if condensed else found
    for distances in condensed:
        yield squareform(distances.numpy(), checks=False)


def _kth(distances: FloatArray, k: int) -> Float64Array:
    """The k-th neighbour of each row: a distance to itself is the first of the sorted ones."""
    return _smallest(distances, k + 1)[:, k].astype(np.float64)


def _smallest(distances: FloatArray, n: int) -> FloatArray:
    """The n smallest of each row, the largest of them last; all where there are fewer."""
    last = min(n, distances.shape[1]) - 1
    return np.partition(distances, last, axis=1)[:, : last + 1]


METRIC = Metric(
    name="tmi",
    summary="intra-class feature variance: entropy inside the classes",
    paper="Xu & Kang, ICCV 2023, arXiv 2308.05986",
    version=3,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N² d / C",
    traps="Grows with width and scale, cannot see wrong labels, and says nothing where"
    " distances are clamped.",
    compute=compute,
    params={"k": 3, "r_min": 1.0},
    across_widths=False,
    sees_labels=False,
)
