"""Leave-one-out nearest neighbours."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.balanced_accuracy import balanced_accuracy, hits_by_class
from featrank.labelled.canonical_sample import CanonicalSample, Float64Array, draw_sample
from featrank.labelled.labelled import Labelled
from featrank.labelled.unit_rows import unit_rows
from featrank.metrics._declaration import Metric
from featrank.records import IntArray, Score

# More rows are sampled down to about this many: time grows with the square.
_MAX_ROWS = 10_000

# Rows whose similarities to all others are held at a time.
_BLOCK_ROWS = 512

# Decimals of a cosine, and of a sum of them: the others are rounding, which differs between
# processors and would decide between neighbours that are equally near.
_DECIMALS, _SUM_DECIMALS = 12, 10


def compute(labelled: Labelled, *, k: int = 5, seed: int = 0) -> Score:
    """Accuracy of the k nearest neighbours by cosine, each row left out in turn.

    Cover & Hart, "Nearest Neighbor Pattern Classification", IEEE Transactions on Information
    Theory 1967; as a probe of features Wu et al., CVPR 2018 (arXiv 1805.01978). The class of most
    of the k = 5 rows with the largest cosine is predicted; the value is the share of rows
    predicted rightly; rows of its own group do not vote. ``details`` hold the balanced accuracy as
    well.

    Edge rules: of neighbours equally near, to 12 decimals of the cosine, those that come first in
    canonical order vote. Where classes have equally many votes, the one with the larger sum of
    cosines wins, and of equal sums the one that comes first in canonical order. Where fewer than k
    other rows exist, all vote. A class of one sample is never right. A zero row has cosine 0 with
    all.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 10 000 rows a sample of
            each class is taken; ``details`` say so.
        k: How many neighbours vote.
        seed: Chooses the sample.

    Raises:
        InputError: Features are constant, k is below 1, or all rows belong to one group.
    """
    if k < 1:
        raise InputError(f"knn needs k of at least 1, got {k}")
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    groups = np.arange(sample.n_samples) if sample.groups is None else sample.groups
    _, sizes = np.unique(groups, return_counts=True)
    k = min(k, sample.n_samples - int(sizes.max()))
    if k == 0:
        raise InputError("all images belong to one group: no other is left to vote")
    predicted = _predictions(unit_rows(sample.features), sample, groups, k)
    hits = hits_by_class(sample.labels, predicted, sample.n_classes)
    details = {"k": k, "balanced_accuracy": balanced_accuracy(hits, sample.counts), **details}
    return Score(float(hits.sum() / sample.n_samples), details=details)


def _predictions(rows: Float64Array, sample: CanonicalSample, groups: IntArray, k: int) -> IntArray:
    predicted = np.empty(len(rows), dtype=np.int64)
    for start in range(0, len(rows), _BLOCK_ROWS):
        cosines = np.round(rows[start : start + _BLOCK_ROWS] @ rows.T, _DECIMALS)
        block = np.arange(len(cosines))
        cosines[groups[start : start + len(block), None] == groups] = -np.inf
        nearest = _k_largest(cosines, k)
        votes = np.zeros((len(cosines), sample.n_classes))
        weights = np.zeros_like(votes)
        flat = (block[:, None], sample.labels[nearest])
        np.add.at(votes, flat, 1.0)
        np.add.at(weights, flat, np.take_along_axis(cosines, nearest, axis=1))
        weights = np.round(weights, _SUM_DECIMALS)
        # Classes are numbered in canonical order, and argmax takes the first.
        weights[votes < votes.max(axis=1, keepdims=True)] = -np.inf
        predicted[start : start + _BLOCK_ROWS] = weights.argmax(axis=1)
    return predicted


def _k_largest(values: Float64Array, k: int) -> IntArray:
    """``(n_rows, k)``: places of each row's k largest, in order of place; the first of equals."""
    last = np.partition(values, -k, axis=1)[:, -k, None]
    above, equal = values > last, values == last
    missing = k - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1, dtype=np.int32) <= missing))
    return np.nonzero(chosen)[1].reshape(len(values), k)


METRIC = Metric(
    name="knn",
    summary="leave-one-out accuracy of the nearest neighbours by cosine",
    paper="Cover & Hart, IEEE Transactions on Information Theory 1967",
    version=4,
    higher_is_better=True,
    predicts="few-shot",
    cost="N² d",
    traps="Above 10 000 rows it is that of a sample, where neighbours are farther.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"k": 5, "seed": 0},
    bounds=(0.0, 1.0),
)
