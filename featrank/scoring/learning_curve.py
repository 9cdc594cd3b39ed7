"""The few-shot learning curve of two generative classifiers against a discriminative one.

Ng & Jordan, "On Discriminative vs. Generative Classifiers", NeurIPS 2001, and for features of
pretrained models Zheng et al., ICML 2023 (arXiv 2302.02334): naive Bayes needs O(log d) samples to
come near its best, logistic regression O(d), but its best is better. So naive Bayes leads with few
shots, the probe with many, and where they cross tells which to use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from featrank.errors import InputError
from featrank.labelled.balanced_accuracy import balanced_accuracy, hits_by_class
from featrank.labelled.canonical_sample import CanonicalSample, Float64Array, draw_sample
from featrank.labelled.group_splits import groups_of_classes, hold_out_groups
from featrank.labelled.held_out import LinearRule
from featrank.labelled.labelled import Labelled
from featrank.labelled.moments import Moments
from featrank.labelled.unit_rows import unit_rows
from featrank.metrics.gda import fit_gaussians
from featrank.metrics.linear import train_probe
from featrank.metrics.nb import fit_naive_bayes
from featrank.records import IntArray

# Raised whenever the numbers for the same input change.
VERSION = 4

# More rows are sampled down to about this many; no training part has more.
_MAX_ROWS = 20_000

# Of each class: one in five, but no more than it takes to measure an accuracy.
_HELD_OUT_SHARE, _MOST_HELD_OUT = 5, 100

# Accuracies no farther apart are equal.
_ROUNDING = 1e-12

# Rows ``(n, n_features)`` → predicted classes ``(n,)``.
Predictor = Callable[[Float64Array], IntArray]

GENERATIVE, DISCRIMINATIVE = ("nb", "gda"), "linear"


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """How a curve is drawn: that many splits into shots and held-out images, from a seed."""

    seeds: int = 5
    seed: int = 0

    @property
    def key(self) -> dict[str, Any]:
        """Everything that can change its numbers for given features."""
        return {"curve": VERSION, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Curve:
    """Held-out balanced accuracy by shots a class.

    Attributes:
        shots: Training images of each class.
        accuracies: For each classifier ``(seeds, shots)``.
        held_out: Images that each split predicts; with groups, the fewest that one does.
        details: How many rows were sampled, where not all are in.
    """

    shots: tuple[int, ...]
    accuracies: Mapping[str, Float64Array]
    held_out: int
    details: Mapping[str, Any]

    @property
    def document(self) -> dict[str, Any]:
        """As JSON; a single seed has no standard deviation."""
        classifiers: dict[str, dict[str, list[float]]] = {}
        for name, found in self.accuracies.items():
            classifiers[name] = {"mean": found.mean(axis=0).tolist()}
            if len(found) > 1:
                classifiers[name]["std"] = found.std(axis=0, ddof=1).tolist()
        means = {name: each["mean"] for name, each in classifiers.items()}
        return {
            "shots": list(self.shots),
            "seeds": len(self.accuracies[DISCRIMINATIVE]),
            "held_out": self.held_out,
            **self.details,
            "classifiers": classifiers,
            "crossings": {
                name: crossing(self.shots, means[name], means[DISCRIMINATIVE])
                for name in GENERATIVE
            },
        }


def crossing(
    shots: Sequence[int], generative: Sequence[float], probe: Sequence[float]
) -> dict[str, int]:
    """Where a generative classifier's lead over the probe ends.

    Returns:
        ``last_ahead``: the most shots at which it is ahead, where there are any; ``behind_from``:
        the next number of shots, from which on it is not, where one was measured.
    """
    ahead = [
        i
        for i, (ours, theirs) in enumerate(zip(generative, probe, strict=True))
        if ours > theirs + _ROUNDING
    ]
    after = ahead[-1] + 1 if ahead else 0
    found = {"last_ahead": shots[ahead[-1]]} if ahead else {}
    return {**found, "behind_from": shots[after]} if after < len(shots) else found


def learning_curve(labelled: Labelled, settings: CurveSettings) -> Curve:
    """Accuracy of nb, gda and a linear probe at 1, 2, 5, 10, 20, 50, … shots a class.

    Each seed holds out one in five images of every class (at least one, at most 100) and takes
    its shots from the others, more of them by adding to the fewer. Balanced accuracy is the mean
    recall over the classes. nb and gda are the rules of those metrics; the probe is that of
    ``linear``: scikit-learn's logistic regression with C = 1 on features divided by their standard
    deviation among the shots.

    Where images belong to groups, a group stands on one side of a split: whole groups are held
    out until every class has its share, if half of the class is left. Where classes share groups,
    a class may be passed over in a split; its recall is left out of the mean.

    Args:
        labelled: Features in memory. Above 20 000 rows a sample of each class is taken.
        settings: Seeds.

    Raises:
        InputError: Features are constant, or a class has a single image, or a single group.
    """
    sample, details = draw_sample(labelled, _MAX_ROWS, settings.seed)
    _check_classes(sample)
    splits = [_split(sample, settings.seed + i) for i in range(settings.seeds)]
    shots = tuple(_series(min(len(pool) for _, pools in splits for pool in pools)))
    accuracies: dict[str, list[list[float]]] = {name: [] for name in _TRAINERS}
    for tested, pools in splits:
        for name, train in _TRAINERS.items():
            found = []
            for n_shots in shots:
                rows = np.concatenate([pool[:n_shots] for pool in pools])
                predict = train(sample.features[rows], sample.labels[rows])
                labels = sample.labels[tested]
                hits = hits_by_class(labels, predict(sample.features[tested]), sample.n_classes)
                counts = np.bincount(labels, minlength=sample.n_classes)
                found.append(balanced_accuracy(hits, counts))
            accuracies[name].append(found)
    arrays = {name: np.array(found) for name, found in accuracies.items()}
    return Curve(shots, arrays, min(len(tested) for tested, _ in splits), details)


def _series(most: int) -> Iterator[int]:
    """1, 2, 5, 10, 20, 50, … up to ``most``."""
    decade = 1
    while True:
        for step in (1, 2, 5):
            if step * decade > most:
                return
            yield step * decade
        decade *= 10


def _check_classes(sample: CanonicalSample) -> None:
    """Every class has something to hold out and something to learn from."""
    groups = np.arange(sample.n_samples) if sample.groups is None else sample.groups
    n_groups = groups_of_classes(sample.labels, groups, sample.n_classes)
    if n_groups.min() < 2:
        name = sample.classes[int(n_groups.argmin())]
        what = "one image" if sample.groups is None else "images of one group alone"
        raise InputError(f"class '{name}' has {what}: none is left to hold out")


def _n_held_out(counts: IntArray) -> IntArray:
    return np.clip(counts // _HELD_OUT_SHARE, 1, _MOST_HELD_OUT)


def _split(sample: CanonicalSample, seed: int) -> tuple[IntArray, list[IntArray]]:
    """The rows held out, and for each class those that shots are taken from, in their order."""
    rng = np.random.default_rng(seed)
    wanted = _n_held_out(sample.counts)
    drawn = [rng.permutation(sample.rows_of(label)) for label in range(sample.n_classes)]
    if sample.groups is None:
        tested = [rows[:n] for rows, n in zip(drawn, wanted, strict=True)]
        pools = [rows[n:] for rows, n in zip(drawn, wanted, strict=True)]
    else:
        out = hold_out_groups(sample.labels, sample.groups, wanted, sample.counts // 2, rng)
        tested = [rows[out[rows]][:n] for rows, n in zip(drawn, wanted, strict=True)]
        pools = [rows[~out[rows]] for rows in drawn]
    return np.concatenate(tested), pools


def _moments(rows: Float64Array, labels: IntArray, *, full: bool) -> Moments:
    """Of rows that are centred on their mean; all classes are among them."""
    centres = np.stack([rows[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
    moments = Moments.empty(centres, full=full)
    moments.gather(labels, rows)
    return moments


def _naive_bayes(rows: Float64Array, labels: IntArray) -> Predictor:
    shift = rows.mean(axis=0)
    return _predictor(fit_naive_bayes(_moments(rows - shift, labels, full=False)), shift)


def _gaussians(rows: Float64Array, labels: IntArray) -> Predictor:
    unit = unit_rows(rows)
    shift = unit.mean(axis=0)
    predict = _predictor(fit_gaussians(_moments(unit - shift, labels, full=True)).rule, shift)
    return lambda tested: predict(unit_rows(tested))


def _probe(rows: Float64Array, labels: IntArray) -> Predictor:
    posteriors = train_probe(rows, labels)
    return lambda tested: posteriors(tested).argmax(axis=1)


def _predictor(rule: LinearRule, shift: Float64Array) -> Predictor:
    return lambda tested: rule.classes[rule(tested - shift).argmax(axis=1)]


_TRAINERS = {"nb": _naive_bayes, "gda": _gaussians, DISCRIMINATIVE: _probe}
