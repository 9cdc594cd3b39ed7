"""Log expected empirical prediction."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from featrank.labelled.labelled import Labelled
from featrank.labelled.source_probabilities import checked_probabilities
from featrank.metrics._declaration import Metric
from featrank.records import Score

Float64Array = npt.NDArray[np.float64]


def compute(labelled: Labelled) -> Score:
    """Mean log likelihood of the labels, predicted from the source classes alone.

    Nguyen et al., "LEEP: A New Measure to Evaluate Transferability of Learned Representations",
    ICML 2020 (arXiv 2002.12462). With θ_i the probabilities of row i over the source classes z::

        P(y, z) = (1/N) Σ_{i: y_i = y} θ_iz         P(y | z) = P(y, z) / Σ_y P(y, z)
        LEEP = (1/N) Σ_i ln Σ_z P(y_i | z) θ_iz

    Never above 0; -H(Y) for a classifier that says the same of every image. The average is of
    logarithms: an average of the probabilities themselves is another number, and some public code
    prints that, or the negative.

    Edge rules: a source class that no row gives any probability is left out, as it adds nothing.
    Rows are divided by their sum.

    Args:
        labelled: Features are the source probabilities ``(n_samples, n_source)``; labels.

    Raises:
        InputError: The features are not probabilities.
    """
    return Score(expected_log_prediction(checked_probabilities(labelled), labelled))


def expected_log_prediction(probabilities: Float64Array, labelled: Labelled) -> float:
    """LEEP of probabilities ``(n_samples, n_source)`` whose rows sum to 1."""
    marginal = probabilities.sum(axis=0)
    total = 0.0
    for label in range(labelled.n_classes):
        rows = probabilities[labelled.rows_of(label)]
        joint = rows.sum(axis=0)
        conditional = np.divide(joint, marginal, out=np.zeros_like(joint), where=marginal > 0)
        total += float(np.log(rows @ conditional).sum())
    # Perfect prediction may round to just above.
    return min(0.0, total / labelled.n_samples)


METRIC = Metric(
    name="leep",
    summary="log likelihood of the labels given the pre-training classifier's predictions",
    paper="Nguyen et al., ICML 2020, arXiv 2002.12462",
    version=1,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N S",
    traps="Needs the pre-training classifier. Some public code averages probabilities"
    " without the logarithm, or prints the negative.",
    compute=compute,
    needs="source_probs",
    across_widths=False,  # it reads the classifier, whatever the layer
    bounds=(float("-inf"), 0.0),
)
