"""Class separation in cosine distance."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.canonical_sample import Float64Array
from featrank.labelled.folds import canonical_order
from featrank.labelled.labelled import Labelled
from featrank.labelled.unit_rows import unit_rows
from featrank.metrics._declaration import Metric
from featrank.records import Score

# Rows have length 1: a spread below this is rounding.
_NEGLIGIBLE = 1e-12


def compute(labelled: Labelled) -> Score:
    """1 - d̄_within / d̄_total with the cosine distance.

    Kornblith et al., "Why Do Better Loss Functions Lead to Less Transferable Features?", NeurIPS
    2021 (arXiv 2010.16402). With d(a, b) = 1 - cos(a, b), averages over all ordered pairs, a row
    with itself included, and every class of weight 1/C::

        d̄_within = (1/C) Σ_c mean_{i,j in c} d(z_i, z_j)
        d̄_total = (1/C²) Σ_{c,c'} mean_{i in c, j in c'} d(z_i, z_j)

    The average cosine of two groups is the inner product of their mean unit rows m, so with m̄ the
    mean of the class means both follow in O(N·d), exactly and without cancellation::

        d̄_total - d̄_within = (1/C) Σ_c ‖m_c - m̄‖²

    Between 0, classes with the same mean direction, and 1, classes of one direction each. The
    paper measures it on the *source* data, where more separation transferred worse; on the target
    it says how easy a linear probe has it.

    Edge rules: a zero row has cosine 0 with every row, itself included; a class of one sample has
    no distance within.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.

    Raises:
        InputError: The rows do not differ in direction.
    """
    if not labelled.features.any():
        raise InputError("features are constant: every one is zero")
    order = canonical_order(labelled)
    labels = labelled.labels[order]
    means = np.empty((labelled.n_classes, labelled.n_features))
    within = np.empty(labelled.n_classes)
    # By first row, so that no sum depends on the names of the classes.
    by_first_row = np.argsort(np.unique(labels, return_index=True)[1])
    for place, label in enumerate(by_first_row):
        rows = unit_rows(labelled.features[order[labels == label]].astype(np.float64))
        means[place], within[place] = _mean_and_distance(rows)
    between = float(np.square(means - means.mean(axis=0)).sum(axis=1).mean())
    total = float(within.mean()) + between
    if total <= _NEGLIGIBLE**2:
        raise InputError("features are constant: all rows have the same direction")
    return Score(between / total, details={"mean_distance": total})


def _mean_and_distance(rows: Float64Array) -> tuple[Float64Array, float]:
    """The mean of unit rows, and the average of 1 - cosine over their pairs."""
    mean = rows.mean(axis=0)
    zero_rows = float((~rows.any(axis=1)).mean())
    # 1 - ‖m‖², as the spread about m.
    return mean, float(np.square(rows - mean).sum(axis=1).mean()) + zero_rows


METRIC = Metric(
    name="class_sep",
    summary="share of the cosine distance that lies between the classes",
    paper="Kornblith et al., NeurIPS 2021, arXiv 2010.16402",
    version=3,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d",
    traps="On the source data more separation transferred worse; here it is measured on"
    " the target.",
    compute=compute,
    bounds=(0.0, 1.0),
)
