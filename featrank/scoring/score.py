"""Metric × features → scores, with the scores of permuted labels beside them."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from featrank.errors import FeatrankError, InputError
from featrank.labelled.feature_source import FeatureSource
from featrank.labelled.labelled import Labelled
from featrank.metrics import MOMENTS, SOURCE_PROBS, Metric
from featrank.records import FloatArray, MetricScore, Null, Score, Shuffles

LABEL_FREE = "label-free"
NO_SOURCE_PROBS = "needs a classifier's probabilities, and no classifier came with these features"


def score_features(
    source: FeatureSource, metrics: Sequence[Metric], shuffles: Shuffles | None = None
) -> list[MetricScore]:
    """Score one layer with several metrics; what cannot be scored gets its reason instead.

    Metrics of moments read the source in blocks where it gives any, so that its rows are never in
    memory together; those that need the pre-training classifier read its probabilities.

    Args:
        source: The layer.
        metrics: Each gives one score.
        shuffles: The label permutations whose scores stand beside; None for none.
    """
    streamed = [m for m in metrics if m.needs == MOMENTS and source.blocks is not None]
    readers = [metric for metric in metrics if metric.needs == SOURCE_PROBS]
    others = [metric for metric in metrics if metric not in streamed and metric not in readers]
    found = _score(lambda: in_blocks(source), streamed, shuffles)
    found += _score(lambda: in_memory(source), others, shuffles)
    probs = source.source_probs if readers else None
    if probs is None:
        found += [unscored(metric, NO_SOURCE_PROBS) for metric in readers]
    else:
        found += _score(lambda: in_memory(probs), readers, shuffles)
    scores = {scored.metric: scored for scored in found}
    return [scores[metric.name] for metric in metrics]


def in_memory(source: FeatureSource) -> Labelled:
    """A source as metrics take it, all rows in memory, its classes by their names.

    Raises:
        InputError: It cannot be scored.
    """
    features = source.load()
    names = np.asarray(features.class_names)
    return Labelled.from_arrays(features.features, names[features.labels], features.groups)


def in_blocks(source: FeatureSource) -> Labelled:
    """As :func:`in_memory`, but for metrics of moments: read in blocks where that is possible.

    Raises:
        InputError: It cannot be scored.
    """
    read = source.blocks
    if read is None:
        return in_memory(source)
    names = np.asarray(source.class_names)

    def blocks() -> Iterator[tuple[FloatArray, npt.NDArray[np.str_]]]:
        for features, labels in read():
            yield features, names[labels]

    return Labelled.from_blocks(blocks, source.groups)


def _score(
    check: Callable[[], Labelled], metrics: Sequence[Metric], shuffles: Shuffles | None
) -> list[MetricScore]:
    if not metrics:
        return []
    try:
        labelled = check()
    except InputError as error:
        return [unscored(metric, error.message) for metric in metrics]
    scores = [score_metric(metric, labelled) for metric in metrics]
    if shuffles is None:
        return scores
    found = [metric for metric, scored in zip(metrics, scores, strict=True) if scored.score]
    nulls = score_permuted(labelled, found, shuffles)
    return [dataclasses.replace(scored, null=nulls.get(scored.metric)) for scored in scores]


def score_metric(metric: Metric, labelled: Labelled) -> MetricScore:
    """One metric's score, or the reason there is none."""
    score = _try(metric, labelled)
    return unscored(metric, score) if isinstance(score, str) else _scored(metric, score)


def score_permuted(
    labelled: Labelled, metrics: Sequence[Metric], shuffles: Shuffles
) -> dict[str, Null]:
    """Each metric's scores on permuted labels; all see the same permutations.

    A metric that reads no label is not run again: its null is marked.
    """
    nulls = {metric.name: Null(reason=LABEL_FREE) for metric in metrics if not metric.reads_labels}
    values: dict[str, list[float]] = {m.name: [] for m in metrics if m.reads_labels}
    for index in range(shuffles.count):
        permuted = labelled.permuted(shuffles.seed, index)
        for metric in metrics:
            if metric.name not in nulls:
                score = _try(metric, permuted)
                if isinstance(score, str):
                    nulls[metric.name] = Null(reason=f"label permutation {index}: {score}")
                else:
                    values[metric.name].append(score.value)
    for name, found in values.items():
        if name not in nulls:
            std = statistics.stdev(found) if len(found) > 1 else None
            nulls[name] = Null(statistics.fmean(found), std)
    return nulls


def unscored(metric: Metric, reason: str) -> MetricScore:
    """A cell without a number, and why."""
    return _scored(metric, None, reason)


def _try(metric: Metric, labelled: Labelled) -> Score | str:
    """A finite score, or the reason there is none."""
    try:
        score = metric.score(labelled)
    except FeatrankError as error:
        return error.message
    except MemoryError:
        return "there is not enough memory"
    if math.isfinite(score.value):
        return score
    return f"the score is {score.value}" + (f", says {metric.origin}" if metric.origin else "")


def _scored(metric: Metric, score: Score | None, reason: str = "") -> MetricScore:
    return MetricScore(
        metric=metric.name,
        version=metric.version,
        params=dict(metric.params),
        higher_is_better=metric.higher_is_better,
        score=score,
        reason=reason,
        origin=metric.origin,
    )
