"""Variability collapse index."""

from __future__ import annotations

from featrank.errors import InputError
from featrank.labelled.class_statistics import statistics
from featrank.labelled.labelled import Labelled
from featrank.metrics._declaration import Metric
from featrank.metrics.hscore_reg import regularised
from featrank.records import Score


def compute(labelled: Labelled, *, shrinkage: float | None = None) -> Score:
    """1 - tr(Σ_α⁻¹ (1 - α) Σ_B) / rank Σ_B, Σ_α = (1 - α) Σ_T + α tr(Σ_T)/d I.

    Xu & Liu, "Quantifying the Variability Collapse of Neural Networks", ICML 2023
    (arXiv 2306.03440), whose formula 1 - tr(Σ_T⁺ Σ_B) / rank Σ_B is that of ``shrinkage=0``. Lower
    is better: less variation inside the classes than between them.

    Unshrunk, label-free noise has about max(0, 1 - d / (N - 1)), so wide layers look better
    whatever they hold; hence α is the Ledoit-Wolf intensity for Σ_T by default. Where rank Σ_B is
    C - 1 this is 1 - H / (C - 1), H the H-score: the same ranking, so only one of them should vote.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        shrinkage: α in [0, 1); None for Ledoit-Wolf's.

    Raises:
        InputError: All classes have the same mean, every sample has the same features, every class
            a single sample, or α is out of range.
    """
    require_intensity(shrinkage)
    rank = len(statistics(labelled).between_values[0])
    value, intensity = regularised(labelled, shrinkage)
    return Score(1.0 - value / rank, details={"shrinkage": intensity, "rank": rank})


def require_intensity(shrinkage: float | None) -> None:
    """Refuse what is not a share.

    Raises:
        InputError: Not in [0, 1).
    """
    if shrinkage is not None and not 0.0 <= shrinkage < 1.0:
        raise InputError(f"shrinkage must be at least 0 and below 1, got {shrinkage}")


METRIC = Metric(
    name="vci",
    summary="variability collapse: 1 less the share of variance between classes, shrunk",
    paper="Xu & Liu, ICML 2023, arXiv 2306.03440",
    version=2,
    higher_is_better=False,
    predicts="linear probe",
    cost="N d² + d³",
    traps="Unshrunk it gives the best value to the widest layer; the same ranking as"
    " hscore_reg where classes are balanced.",
    compute=compute,
    alike="hscore_reg",
    params={"shrinkage": None},
    needs="moments",
    bounds=(0.0, 1.0),
)
