"""Coding rate reduction of rows on the sphere."""

from __future__ import annotations

from featrank.errors import InputError
from featrank.labelled.held_out import folded
from featrank.labelled.labelled import Labelled
from featrank.labelled.log_determinants import rate_reduction
from featrank.labelled.unit_rows import unit_rows
from featrank.metrics._declaration import Metric
from featrank.records import Score


def compute(labelled: Labelled, *, eps: float = 0.5) -> Score:
    """½ ln det(I + d/(N ε²) ZᵀZ) - Σ_c p_c ½ ln det(I + d/(n_c ε²) Z_cᵀZ_c).

    Yu et al., "Learning Diverse and Discriminative Representations via the Principle of Maximal
    Coding Rate Reduction", NeurIPS 2020 (arXiv 2006.08558). Rows z ``(n_features,)`` have length 1
    and are not centred; d is n_features. Never below 0. Higher is better: the features as a whole
    take more room than inside the classes.

    Edge rule: a zero row stays zero.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        eps: The precision, above 0.

    Raises:
        InputError: Every class has a single sample, or ε is not above 0.
    """
    if not eps > 0:
        raise InputError(f"coding_rate needs eps above 0, got {eps}")
    layer = folded(labelled, 5, 0, unit_rows)
    layer.require_variation()
    whole, parts = rate_reduction(layer, labelled.n_features / eps**2, centred=False)
    return Score(whole - parts, details={"rate": whole})


METRIC = Metric(
    name="coding_rate",
    summary="coding rate of the features less that inside the classes, rows of length 1",
    paper="Yu et al., NeurIPS 2020, arXiv 2006.08558",
    version=1,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N d² + C d³",
    traps="Mostly the width: read it beside its null.",
    compute=compute,
    params={"eps": 0.5},
    needs="moments",
    bounds=(0.0, float("inf")),
    across_widths=False,
)
