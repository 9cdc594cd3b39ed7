"""H-score, without regularisation."""

from __future__ import annotations

from featrank.labelled.labelled import Labelled
from featrank.labelled.singular_rows import canonical_correlations
from featrank.metrics._declaration import Bounds, Metric
from featrank.records import Score


def compute(labelled: Labelled) -> Score:
    """tr(Σ_T⁺ Σ_B): the variance between the classes in units of the total variance.

    Bao et al., "An Information-Theoretic Approach to Transferability in Task Transfer Learning",
    ICIP 2019 (arXiv 2212.10082). With the left singular vectors U ``(n_samples, rank)`` of the
    centred features and the indicator y_c ``(n_samples,)`` of class c this is::

        H = Σ_c ‖Uᵀ y_c‖² / n_c,        0 ≤ H ≤ min(C - 1, d)

    the sum of the squared canonical correlations of features and classes. Nothing is inverted, so
    rounding cannot carry it out of its bounds.

    Edge rule: singular values below about 1e-6 of the largest are taken for rounding, as they are
    in float32; features are brought to variance 1 before, which changes nothing in H.

    H grows with the width and is C - 1 for d ≥ N - 1 whatever the labels: read ``hscore_reg``.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.

    Raises:
        InputError: Every sample has the same features, or every class a single sample.
    """
    return Score(float(canonical_correlations(labelled).sum()))


def bounds_for(labelled: Labelled) -> Bounds:
    """0 to min(C - 1, d)."""
    return 0.0, float(min(labelled.n_classes - 1, labelled.n_features))


METRIC = Metric(
    name="hscore",
    summary="variance between classes in units of the total variance, unregularised",
    paper="Bao et al., ICIP 2019, arXiv 2212.10082",
    version=2,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="C - 1 for d ≥ N - 1 whatever the labels: read hscore_reg. Public float32 code"
    " leaves its bounds.",
    compute=compute,
    needs="moments",
    bounds=(0.0, float("inf")),
    bounds_for=bounds_for,
    across_widths=False,
)
