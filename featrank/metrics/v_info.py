"""Predictive information of a discriminant probe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from featrank.labelled.held_out import folded
from featrank.labelled.labelled import Labelled
from featrank.labelled.remarks import left_out
from featrank.labelled.unit_rows import unit_rows
from featrank.metrics._declaration import Bounds, Metric
from featrank.metrics.gda import discriminant_rules
from featrank.records import IntArray, Score


def compute(labelled: Labelled, *, folds: int = 5, seed: int = 0) -> Score:
    """H(Y) less the held-out cross entropy of a probe, in nats.

    Xu et al., "A Theory of Usable Information Under Computational Constraints", ICLR 2020
    (arXiv 2002.10689): what the features tell about the class to a probe of a given family. Ours
    is ``gda`` on rows of length 1, with its covariance on the right scale and the class shares of
    the training part as priors::

        V = - Σ_c p_c ln p_c + mean over held-out rows of ln P(y | z)

    with p_c the shares of the classes among these rows. Comparing layers, the first that comes
    close to the best is the earliest sufficient one. It is below 0 where the probe does worse than
    the class shares alone.

    Edge rule: a row whose class is absent from its training part has no probability there; it is
    left out, of the mean as of the shares, and counted in ``left_out``.

    Args:
        labelled: Features ``(n_samples, n_features)`` and labels.
        folds: Stratified folds; fewer where every class is smaller.
        seed: Shuffles the rows between folds.

    Raises:
        InputError: The rows do not differ in direction, or every class has one sample.
    """
    layer = folded(labelled, folds, seed, unit_rows)
    rules = []
    uniform = discriminant_rules(labelled, folds, seed)
    counts = [part.counts for part in layer.moments(full=True)]
    predictable = np.zeros_like(layer.counts)
    for fold, rule in enumerate(uniform):
        training = (layer.counts - counts[fold])[rule.classes]
        predictable[rule.classes] += counts[fold][rule.classes]
        prior = np.log(training / training.sum()) + np.log(len(training))
        rules.append(replace(rule, bias=rule.bias + prior))
    scored = layer.evaluate(rules)
    cross_entropy = -scored.details["mean_log_posterior"]
    details = {
        "folds": layer.folds,
        "seed": seed,
        "entropy": _entropy(predictable),
        "left_out": scored.details["unpredictable"],
    }
    value = details["entropy"] - cross_entropy
    return Score(value, details=details, remarks=tuple(left_out(details["left_out"])))


def _entropy(counts: IntArray) -> float:
    """H(Y) in nats."""
    shares = np.sort(counts[counts > 0]) / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def bounds_for(labelled: Labelled) -> Bounds:
    """Up to H(Y) of the rows that can be predicted; with groups that depends on the folds."""
    if labelled.groups is not None:
        return -float("inf"), float(np.log(labelled.n_classes))
    return -float("inf"), _entropy(labelled.counts[labelled.counts > 1])


METRIC = Metric(
    name="v_info",
    summary="entropy of the classes less the held-out cross entropy of gda's probe, in nats",
    paper="Xu et al., ICLR 2020, arXiv 2002.10689",
    version=3,
    higher_is_better=True,
    predicts="linear probe",
    cost="N d² + d³",
    traps="In nats, so bounded by the entropy of the classes: compares within one target only.",
    compute=compute,
    params={"folds": 5, "seed": 0},
    needs="moments",
    bounds_for=bounds_for,
)
