"""TransRate."""

from __future__ import annotations

from featrank.errors import InputError
from featrank.labelled.class_statistics import statistics
from featrank.labelled.labelled import Labelled
from featrank.labelled.log_determinants import rate_reduction
from featrank.metrics._declaration import Metric
from featrank.records import Score


def compute(labelled: Labelled, *, eps: float = 1e-4) -> Score:
    """R(Z) - Σ_c p_c R(Z_c), R(Z) = ½ ln det(I + ZᵀZ / (N ε)).

    Huang et al., "Frustratingly Easy Transferability Estimation", ICML 2022 (arXiv 2106.09362).
    Z ``(n_samples, n_features)`` is centred and scaled to tr Σ_T = 1, so that the scale of the
    features does not count and one ε serves all. R_c takes the same rows of class c, N being n_c
    there. Never below 0.

    Nearly all of it is the width: read it beside its null of permuted labels.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        eps: The squared precision, above 0.

    Raises:
        InputError: Every sample has the same features, every class a single sample, or ε is not
            above 0.
    """
    if not eps > 0:
        raise InputError(f"transrate needs eps above 0, got {eps}")
    known = statistics(labelled)
    whole, parts = rate_reduction(known.layer, 1.0 / (eps * known.total_trace), centred=True)
    return Score(whole - parts, details={"rate": whole})


METRIC = Metric(
    name="transrate",
    summary="coding rate of the features less that inside the classes, at unit variance",
    paper="Huang et al., ICML 2022, arXiv 2106.09362",
    version=1,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N d² + C d³",
    traps="Nearly all of it is the width: read it beside its null. Public scripts tune ε"
    " for each target.",
    compute=compute,
    params={"eps": 1e-4},
    needs="moments",
    bounds=(0.0, float("inf")),
    across_widths=False,
)
