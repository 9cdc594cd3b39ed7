"""Intra-class feature variance, taken literally."""

from __future__ import annotations

from featrank.errors import InputError
from featrank.labelled.labelled import Labelled
from featrank.metrics._declaration import Metric
from featrank.metrics._variance import total_scatter, within_scatter
from featrank.records import Score


def compute(labelled: Labelled) -> Score:
    """tr Σ_W / tr Σ_T: the share of the features' variance that lies within classes.

    The plain reading of "intra-class feature variance", the name that Xu & Kang (ICCV 2023, arXiv
    2308.05986) give to an entropy. With z_i ``(n_features,)``, its class mean μ_y(i) and the mean
    μ of all::

        Σ_i |z_i - μ_y(i)|² / Σ_i |z_i - μ|²

    Neither scale nor a repetition of features changes it. Higher is better by tmi's claim; labels
    without meaning give nearly 1, so it cannot see wrong ones.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.

    Raises:
        InputError: The features are constant.
    """
    total = total_scatter(labelled)
    if total <= 0:
        raise InputError("features are constant: every sample has the same")
    # Rounding must not lift it above its bound.
    return Score(min(1.0, within_scatter(labelled) / total))


METRIC = Metric(
    name="tmi_var",
    summary="share of the variance within classes (ours: tmi's name taken literally)",
    paper="after the title of Xu & Kang, ICCV 2023, arXiv 2308.05986",
    version=1,
    higher_is_better=True,
    predicts="fine-tuning",
    cost="N d",
    traps="Labels without meaning give nearly 1, the best: it cannot see wrong ones.",
    compute=compute,
    bounds=(0.0, 1.0),
    sees_labels=False,
)
