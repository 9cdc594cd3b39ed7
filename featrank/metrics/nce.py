"""Negative conditional entropy."""

from __future__ import annotations

import numpy as np

from featrank.labelled.labelled import Labelled
from featrank.labelled.source_probabilities import checked_probabilities
from featrank.metrics._declaration import Bounds, Metric
from featrank.records import Score


def compute(labelled: Labelled) -> Score:
    """-H(Y | Z): how well the predicted source class tells the label.

    Tran et al., "Transferability and Hardness of Supervised Classification Tasks", ICCV 2019
    (arXiv 1908.08142). With z_i the most probable source class of row i and P(y, z) the shares of
    the rows::

        NCE = Σ_{y,z} P(y, z) ln(P(y, z) / P(z))

    Between -ln(n_classes) and 0.

    Edge rules: empty cells add nothing; among equally probable source classes the first counts.

    Args:
        labelled: Features are the source probabilities ``(n_samples, n_source)``; labels.

    Raises:
        InputError: The features are not probabilities.
    """
    source = checked_probabilities(labelled).argmax(axis=1)
    used, source = np.unique(source, return_inverse=True)
    cells = np.bincount(
        labelled.labels * len(used) + source, minlength=labelled.n_classes * len(used)
    )
    joint = cells.reshape(labelled.n_classes, len(used))
    filled = joint > 0
    share = joint / joint.sum(axis=0)
    # Rows are added up as counts, so that neither their order nor that of the classes shows.
    total = float(np.sort(joint[filled] * np.log(share[filled])).sum())
    return Score(
        min(0.0, total / labelled.n_samples), details={"predicted_source_classes": len(used)}
    )


def bounds_for(labelled: Labelled) -> Bounds:
    """-ln C to 0."""
    return -float(np.log(labelled.n_classes)), 0.0


METRIC = Metric(
    name="nce",
    summary="negative conditional entropy of the labels given the predicted source class",
    paper="Tran et al., ICCV 2019, arXiv 1908.08142",
    version=1,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N S",
    traps="Sees only the most probable source class; many source classes and few images"
    " make it optimistic.",
    compute=compute,
    needs="source_probs",
    across_widths=False,  # it reads the classifier, whatever the layer
    bounds=(float("-inf"), 0.0),
    bounds_for=bounds_for,
)
