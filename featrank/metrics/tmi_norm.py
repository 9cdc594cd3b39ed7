"""Intra-class entropy a feature, at a common scale: tmi for comparing layers and widths."""

from __future__ import annotations

import math

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.labelled.remarks import clamped, too_small
from featrank.metrics._declaration import Metric
from featrank.metrics._variance import total_scatter
from featrank.metrics.tmi import class_entropies, names_of, require_parameters
from featrank.records import Score

# A spread below this is rounding, and its logarithm noise.
_NEGLIGIBLE = 1e-100


def compute(labelled: Labelled, *, k: int = 3, r_min: float = 1.0) -> Score:
    """Σ_c p_c H_c / d of centred features divided by their global RMS: a variant of ours of tmi.

    tmi grows with the width d and with the scale of the features, so it does not compare layers.
    This divides the centred features ``(n_samples, n_features)`` by one number, the root mean
    square of all their values, so that a feature has variance 1 on average, and the entropy by d::

        H_c as in tmi, of Z / s,  s² = Σ_ij (z_ij - mean_j)² / (n_samples · d)
        tmi_norm = Σ_c p_c H_c / d

    The sum, unlike tmi's mean over classes, does not fall with their number. Distances below
    r_min, now in units of that scale, are clamped as in tmi: narrow layers, whose nearest
    neighbours are nearer than 1, say little, and ``clamped_fraction`` tells. No paper stands
    behind this number; like tmi it does not see wrong labels.

    Edge rules: classes of up to k samples are left out and named in ``details``; p_c are the
    shares among the others.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        k: Which neighbour.
        r_min: Smaller distances count as this, in units of s.

    Raises:
        InputError: No class has more than k samples, or the features are constant.
    """
    require_parameters("tmi_norm", k, r_min)
    width = labelled.n_features
    scale = math.sqrt(total_scatter(labelled) / (labelled.n_samples * width))
    if scale <= _NEGLIGIBLE:
        raise InputError("features are constant: every sample has the same")
    # Dividing the features by s divides every distance by s: no scaled copy is needed.
    entropies, clamped_fraction = class_entropies(labelled, k, r_min * scale)
    counts = labelled.counts
    estimated = sum(int(counts[label]) for label in entropies)
    total = sum(int(counts[label]) / estimated * h for label, h in entropies.items())
    dropped = names_of(labelled, counts <= k)
    return Score(
        float(total / width - math.log(scale)),
        details={
            "clamped_fraction": clamped_fraction, "dropped_classes": dropped, "scale": scale,
        },
        remarks=(*clamped(clamped_fraction), *too_small(dropped)),
    )  # fmt: skip


METRIC = Metric(
    name="tmi_norm",
    summary="tmi a feature, of features at unit scale: compares layers (ours)",
    paper="a variant of ours of Xu & Kang, ICCV 2023, arXiv 2308.05986",
    version=2,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N² d / C",
    traps="Cannot see wrong labels; narrow layers are clamped.",
    compute=compute,
    params={"k": 3, "r_min": 1.0},
    sees_labels=False,
)
