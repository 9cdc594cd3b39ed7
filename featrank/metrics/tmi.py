"""Intra-class feature variance as an entropy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError
from featrank.metrics.declaration import Metric
from featrank.metrics.labelled import Labelled
from featrank.records import FloatArray, IntArray, Score

# Rows whose distances to each other are held at a time: 128 MiB as float64.
_SQUARE_ROWS = 4096

# Columns compared at a time: all rows' values of them stay in the processor's cache, which takes
# three fifths of the time of whole rows (500 x 1280).
_COLUMNS = 128

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
    entropies, clamped_fraction = class_entropies(labelled, k, r_min)
    counts = labelled.counts
    total = sum(counts[label] / labelled.n_samples * h for label, h in entropies.items())
    single = np.flatnonzero(counts == 1)
    details = {
        "clamped_fraction": clamped_fraction,
        "dropped_classes": [
            str(labelled.classes[label]) for label in np.flatnonzero((counts > 1) & (counts <= k))
        ],
        "single_classes": [str(labelled.classes[label]) for label in single],
    }
    return Score(float(total / (len(entropies) + len(single))), details=details)


def class_entropies(labelled: Labelled, k: int, r_min: float) -> tuple[dict[int, float], float]:
    """H_c of every class of more than k samples, and the fraction of clamped distances.

    Raises:
        InputError: No class has more than k samples.
    """
    if k < 1 or r_min <= 0:
        raise InputError(f"tmi needs k of at least 1 and r_min above 0, got k={k}, r_min={r_min}")
    counts = labelled.counts
    estimated = np.flatnonzero(counts > k)
    if not estimated.size:
        raise InputError(
            f"tmi needs a class of more than {k} samples, the largest has {counts.max()}",
            "add images, or lower k",
        )
    work = float(np.square(counts[estimated], dtype=np.float64).sum()) * labelled.n_features
    # Both give the same bits.
    use_torch = "torch" in sys.modules or work > _TORCH_WORK
    of_classes = _torch_distances if use_torch else _scipy_distances
    entropies: dict[int, float] = {}
    clamped = 0
    for label, distances in zip(
        estimated.tolist(), of_classes(labelled, estimated, k), strict=True
    ):
        clamped += int((distances <= r_min).sum())
        entropies[label] = _entropy(distances, k, r_min, labelled.n_features)
    return entropies, clamped / int(counts[estimated].sum())


def _entropy(distances: Float64Array, k: int, r_min: float, n_features: int) -> float:
    from scipy.special import digamma

    log_widths = np.log(2.0 * np.maximum(distances, r_min))
    return float(digamma(len(distances)) - digamma(k) + n_features * log_widths.mean())


def _scipy_distances(labelled: Labelled, classes: IntArray, k: int) -> Iterator[Float64Array]:
    """The rows' distances to their k-th neighbour, class by class."""
    for label in classes.tolist():
        yield _kth_distances_scipy(labelled.features[labelled.rows_of(label)], k)


def _torch_distances(labelled: Labelled, classes: IntArray, k: int) -> Iterator[Float64Array]:
    """As above; a thread takes a class, for torch's own threads wait for each other in small ones.

    Where there are fewer classes than threads those of torch share a class after all.
    """
    import torch

    threads = torch.get_num_threads()
    workers = threads if len(classes) >= threads else 1
    try:
        # The setting is each thread's own, and what new threads begin with.
        torch.set_num_threads(threads // workers)
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(
                lambda label: _kth_distances_torch(labelled.features[labelled.rows_of(label)], k),
                classes.tolist(),
            )
    finally:
        torch.set_num_threads(threads)


def _kth_distances_scipy(rows: FloatArray, k: int) -> Float64Array:
    from scipy.spatial.distance import cdist

    exact = rows.astype(np.float64)
    step = max(1, _SQUARE_ROWS**2 // len(rows))
    distances = np.concatenate(
        [
            _smallest(cdist(exact[start : start + step], exact, "chebyshev"), k + 1)[:, k]
            for start in range(0, len(rows), step)
        ]
    )
    # The largest difference, rounded, is the largest of the rounded ones: as torch has it.
    return distances.astype(rows.dtype).astype(np.float64)


def _kth_distances_torch(rows: FloatArray, k: int) -> Float64Array:
    """As above, in the precision of the features.

    ``pdist`` alone is vectorised in the max-norm (measured on 2 cores: 9 times ``torch.cdist``, 6
    times SciPy), so a class too large for one square is put together from pairs of its parts.
    """
    parts = [rows]
    if len(rows) > _SQUARE_ROWS:
        step = _SQUARE_ROWS // 2
        parts = [rows[start : start + step] for start in range(0, len(rows), step)]
    nearest: list[FloatArray] = []
    for i, part in enumerate(parts):
        # A row's distance to itself is the first of the sorted ones, so the k-th is at k.
        nearest.append(_smallest(_square_distances(part), k + 1))
        for j in range(i):
            across = _square_distances(np.concatenate([part, parts[j]]))[: len(part), len(part) :]
            nearest[i] = _smallest(np.hstack([nearest[i], across]), k + 1)
            nearest[j] = _smallest(np.hstack([nearest[j], across.T]), k + 1)
    return np.concatenate(nearest)[:, k].astype(np.float64)


def _square_distances(rows: FloatArray) -> FloatArray:
    import torch
    from scipy.spatial.distance import squareform

    columns = torch.split(torch.from_numpy(rows), _COLUMNS, dim=1)
    condensed = torch.pdist(columns[0].contiguous(), p=float("inf"))
    for more in columns[1:]:
        torch.maximum(condensed, torch.pdist(more.contiguous(), p=float("inf")), out=condensed)
    square: FloatArray = squareform(condensed.numpy(), checks=False)
    return square


def _smallest(distances: FloatArray, n: int) -> FloatArray:
    """The n smallest of each row, the largest of them last; all where there are fewer."""
    last = min(n, distances.shape[1]) - 1
    return np.partition(distances, last, axis=1)[:, : last + 1]


METRIC = Metric(
    name="tmi",
    summary="intra-class feature variance: entropy inside the classes",
    paper="Xu & Kang, ICCV 2023, arXiv 2308.05986",
    version=2,
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
