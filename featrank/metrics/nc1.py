"""Neural collapse's first property."""

from __future__ import annotations

import numpy as np

from featrank.labelled.class_statistics import statistics
from featrank.labelled.labelled import Labelled
from featrank.metrics._declaration import Metric
from featrank.records import Score


def compute(labelled: Labelled) -> Score:
    """tr(Σ_W Σ_B†) / C: the variance inside the classes where their means differ.

    Papyan, Han & Donoho, "Prevalence of neural collapse during the terminal phase of deep learning
    training", PNAS 2020 (arXiv 2008.08186). Lower is better. Σ_B is weighted by the shares of the
    classes; with its eigenvalues b_j and eigenvectors v_j ``(n_features,)`` the trace is
    Σ_j v_jᵀ Σ_W v_j / b_j over the nonzero b_j. Two classes whose means nearly agree dominate it.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.

    Raises:
        InputError: All classes have the same mean, every sample has the same features, or every
            class a single sample.
    """
    known = statistics(labelled)
    values, vectors = known.between_values
    inside = np.einsum("rd,rd->r", vectors @ known.within, vectors)
    return Score(float(np.maximum(inside, 0.0) @ (1.0 / values)) / known.n_classes)


METRIC = Metric(
    name="nc1",
    summary="neural collapse: variance inside classes in units of that between their means",
    paper="Papyan, Han & Donoho, PNAS 2020, arXiv 2008.08186",
    version=2,
    higher_is_better=False,
    predicts="linear probe",
    cost="N d² + d³",
    traps="Two classes whose means nearly agree dominate it.",
    compute=compute,
    needs="moments",
    bounds=(0.0, float("inf")),
)
