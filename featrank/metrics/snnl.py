"""Soft nearest neighbour loss."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.labelled import Labelled
from featrank.labelled.remarks import classes_of_one
from featrank.labelled.row_geometry import squared_distances
from featrank.metrics._declaration import Metric
from featrank.records import Score

# More rows are sampled down to about this many: all their distances are held (200 MB).
_MAX_ROWS = 5000


def compute(labelled: Labelled, *, seed: int = 0) -> Score:
    """How far rows are from their own class, against all rows, through a soft neighbourhood.

    Frosst et al., "Analyzing and Improving Representations with the Soft Nearest Neighbor Loss",
    ICML 2019 (arXiv 1902.01889)::

        SNNL = -(1/M) Σ_i ln [ Σ_{j ≠ i, y_j = y_i} exp(-‖z_i - z_j‖² / T)
                               / Σ_{j ≠ i} exp(-‖z_i - z_j‖² / T) ]

    over the M rows whose class has another row. Lower is better; 0 at best. T is the median of
    ‖z_i - z_j‖² over the pairs i < j, so the scale of the features plays no part; the paper leaves
    T free.

    Edge rules: rows of classes of one sample count as neighbours, not as i. Where more than half
    of all pairs coincide, T is the mean instead.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 5000 rows a sample of each
            class is taken; ``details`` say so.
        seed: Chooses the sample.

    Raises:
        InputError: Features are constant, or every class has one sample.
    """
    from scipy.special import logsumexp

    if labelled.counts.max() < 2:
        raise InputError("every class has a single sample: no row has a neighbour of its class")
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    distances = squared_distances(sample.features)
    temperature = _temperature(distances)
    np.fill_diagonal(distances, np.inf)
    total, n_rows = 0.0, 0
    for label in np.flatnonzero(sample.counts > 1).tolist():
        rows = sample.rows_of(label)
        logits = distances[rows] / -temperature
        own = logsumexp(logits[:, rows], axis=1)
        total += float((logsumexp(logits, axis=1) - own).sum())
        n_rows += len(rows)
    single = int((sample.counts == 1).sum())
    # A class on its own rounds to either side of 0.
    return Score(
        max(0.0, total / n_rows),
        details={"classes_of_one": single, **details},
        remarks=tuple(classes_of_one(single)),
    )


def _temperature(distances: Float64Array) -> float:
    pairs = distances[np.triu_indices(len(distances), 1)]
    median = float(np.median(pairs, overwrite_input=True))
    return median if median > 0 else float(pairs.mean())


METRIC = Metric(
    name="snnl",
    summary="soft nearest neighbour loss: how entangled the classes are",
    paper="Frosst et al., ICML 2019, arXiv 1902.01889",
    version=2,
    higher_is_better=False,
    predicts="few-shot",
    cost="N² d",
    traps="In high dimensions all distances are alike and it nears the entropy of the classes.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"seed": 0},
    bounds=(0.0, float("inf")),
)
