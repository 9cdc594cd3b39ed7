"""The rows that metrics which read every row work on: sorted by content, sampled above a size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from featrank.errors import InputError
from featrank.labelled.folds import canonical_order, classes_by_first_row, groups_by_first_row
from featrank.labelled.labelled import Labelled
from featrank.records import IntArray

Float64Array = npt.NDArray[np.float64]

# A class is sampled down to no fewer rows than this, so that it does not become a single one.
_FEWEST_OF_A_CLASS = 2


class CanonicalSample(Labelled):
    """Rows in canonical order, as float64, groups numbered in it; see :func:`draw_sample`."""

    features: Float64Array


def draw_sample(
    labelled: Labelled, max_rows: int, seed: int, *, by_class: bool = True
) -> tuple[CanonicalSample, dict[str, Any]]:
    """At most about ``max_rows`` rows in canonical order, as float64.

    The result depends on the data alone, bit for bit: rows stand in canonical order and classes
    are numbered by their first row in it. Features are divided by one power of two, which is exact
    and keeps squares clear of overflow and underflow; it suits metrics that do not mind the scale.

    Args:
        labelled: Features and labels; not changed.
        max_rows: No sampling up to this many rows.
        seed: Chooses the rows.
        by_class: Each class keeps its share, but at least two rows where it has them; of more
            classes than that leaves room for, as many are drawn. Otherwise rows are drawn without a
            look at the labels, and single classes may be lost.

    Returns:
        The sample, and what to say of it in ``Score.details``: ``{}`` where all rows are in.

    Raises:
        InputError: Every row has the same features.
    """
    order = canonical_order(labelled)
    details: dict[str, Any] = {}
    if labelled.n_samples > max_rows:
        rng = np.random.default_rng(seed)
        if by_class:
            chosen = _share_of_each_class(labelled, order, max_rows, rng)
        else:
            chosen = rng.choice(len(order), max_rows, replace=False)
        order = order[np.sort(chosen)]
        details = {"sampled_rows": len(order), "seed": seed}
        n_kept = len(np.unique(labelled.labels[order]))
        if by_class and n_kept < labelled.n_classes:
            details["sampled_classes"] = n_kept
    features = labelled.features[order]
    if not np.ptp(features, axis=0).any():
        raise InputError("features are constant: every sample has the same")
    _, exponent = np.frexp(np.abs(features).max())
    features = np.ldexp(features.astype(np.float64), -int(exponent))
    labels = labelled.labels[order]
    present = classes_by_first_row(labels)
    number = np.zeros(labelled.n_classes, dtype=np.int64)
    number[present] = np.arange(len(present))
    classes = tuple(labelled.classes[label] for label in present)
    groups = None if labelled.groups is None else groups_by_first_row(labelled.groups[order])
    return CanonicalSample(features, number[labels], classes, groups), details


def _share_of_each_class(
    labelled: Labelled, order: IntArray, max_rows: int, rng: np.random.Generator
) -> IntArray:
    """Places in ``order``, proportionally many of each class."""
    labels = labelled.labels[order]
    classes = classes_by_first_row(labels)
    if len(classes) * _FEWEST_OF_A_CLASS > max_rows:
        # By their images, so that classes of one do not crowd out those that can be compared.
        weights = labelled.counts[classes] / len(order)
        n_kept = max(2, max_rows // _FEWEST_OF_A_CLASS)
        kept = rng.choice(len(classes), n_kept, replace=False, p=weights)
        classes = classes[np.sort(kept)]
    n_rows = int(labelled.counts[classes].sum())
    chosen = []
    for label in classes:
        places = np.flatnonzero(labels == label)
        share = max(_FEWEST_OF_A_CLASS, max_rows * len(places) // n_rows)
        chosen.append(rng.choice(places, min(share, len(places)), replace=False))
    return np.concatenate(chosen)
