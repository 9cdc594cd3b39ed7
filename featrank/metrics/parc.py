"""Pairwise annotation representation comparison."""

from __future__ import annotations

import numpy as np

from featrank.errors import InputError
from featrank.labelled.canonical_sample import Float64Array, draw_sample
from featrank.labelled.labelled import Labelled
from featrank.labelled.principal_components import principal_components
from featrank.metrics._declaration import Metric
from featrank.records import Score

# More rows are sampled down to about this many: two million pairs are ranked. The paper has 500.
_MAX_ROWS = 2000

# Digits of a correlation that are not rounding: equal ones must tie in rank.
_DIGITS = 10


def compute(labelled: Labelled, *, n_components: int = 32, seed: int = 0) -> Score:
    """Rank correlation between distances of features and distances of labels.

    Bolya et al., "Scalable Diverse Model Selection for Accessible Transfer Learning", NeurIPS 2021
    (arXiv 2111.06977). The first 32 principal components, each divided by its standard deviation,
    give every row a vector::

        PARC = Spearman over pairs i < j of  1 - corr(z_i, z_j)  and  1 - corr(y_i, y_j)

    with y one-hot. The paper prints 100 times this. A correlation of rows changes with the signs
    of the components: the largest loading of each is positive here, as in scikit-learn.

    Edge rules: components with less than 1e-12 of the first one's variance are left out; a row
    with all coordinates equal has correlation 0 with all others; correlations that agree in 10
    decimals tie.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels. Above 2000 rows a sample of each
            class is taken; ``details`` say so.
        n_components: Principal components, fewer where there are no more.
        seed: Chooses the sample.

    Raises:
        InputError: Features have fewer than two principal components, all rows are equally far
            apart, or every class has one sample.
    """
    from scipy.stats import spearmanr

    if labelled.counts.max() < 2:
        raise InputError("every class has a single sample: all labels are equally far apart")
    sample, details = draw_sample(labelled, _MAX_ROWS, seed)
    scores = principal_components(sample.features, n_components)
    if scores.shape[1] < 2:
        raise InputError(
            "parc needs features that vary in at least 2 directions: a correlation needs 2 values"
        )
    of_features = _distances(scores / scores.std(axis=0))
    if np.ptp(of_features) == 0:
        raise InputError("parc cannot rank: all pairs of rows are equally far apart")
    of_labels = _distances(np.eye(sample.n_classes)[sample.labels])
    value = float(spearmanr(of_features, of_labels).statistic)
    details = {"principal_components": scores.shape[1], **details}
    return Score(min(1.0, max(-1.0, value)), details=details)


def _distances(rows: Float64Array) -> Float64Array:
    """1 - correlation of all pairs of rows, as a vector."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, length, out=np.zeros_like(centred), where=length > 0)
    pairs = np.triu_indices(len(rows), 1)
    return np.asarray(1 - np.round((unit @ unit.T)[pairs], _DIGITS))


METRIC = Metric(
    name="parc",
    summary="rank correlation between distances of features and of labels",
    paper="Bolya et al., NeurIPS 2021, arXiv 2111.06977",
    version=2,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N² d",
    traps="The signs of the principal components matter: they follow scikit-learn's convention.",
    compute=compute,
    max_rows=_MAX_ROWS,
    params={"n_components": 32, "seed": 0},
    bounds=(-1.0, 1.0),
)
