"""Metric × features → scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from featrank.errors import FeatrankError, InputError
from featrank.metrics import Metric
from featrank.metrics.labelled import Labelled
from featrank.records import Features, FloatArray, IntArray, MetricScore, Score


def score_features(features: Features, metrics: Sequence[Metric]) -> list[MetricScore]:
    """Score one layer with several metrics; what cannot be scored gets its reason instead."""
    names = np.asarray(features.class_names)
    return _score(lambda: Labelled.from_arrays(features.features, names[features.labels]), metrics)


def score_blocks(
    read: Callable[[], Iterator[tuple[FloatArray, IntArray]]],
    class_names: Sequence[str],
    metrics: Sequence[Metric],
) -> list[MetricScore]:
    """As :func:`score_features`, for metrics of moments: the rows are never in memory together.

    Args:
        read: Starts reading from the first row: blocks of features and labels.
        class_names: What the labels index.
        metrics: Those that need "moments".
    """
    names = np.asarray(class_names)

    def blocks() -> Iterator[tuple[FloatArray, npt.NDArray[np.str_]]]:
        for features, labels in read():
            yield features, names[labels]

    return _score(lambda: Labelled.from_blocks(blocks), metrics)


def _score(check: Callable[[], Labelled], metrics: Sequence[Metric]) -> list[MetricScore]:
    try:
        labelled = check()
    except InputError as error:
        return [unscored(metric, error.message) for metric in metrics]
    return [score_metric(metric, labelled) for metric in metrics]


def score_metric(metric: Metric, labelled: Labelled) -> MetricScore:
    """One metric's score, or the reason there is none."""
    try:
        score = metric.score(labelled)
    except FeatrankError as error:
        return unscored(metric, error.message)
    if not math.isfinite(score.value):
        return unscored(metric, f"the score is {score.value}")
    return _scored(metric, score)


def unscored(metric: Metric, reason: str) -> MetricScore:
    """A cell without a number, and why."""
    return _scored(metric, None, reason)


def _scored(metric: Metric, score: Score | None, reason: str = "") -> MetricScore:
    return MetricScore(
        metric=metric.name,
        version=metric.version,
        params=dict(metric.params),
        higher_is_better=metric.higher_is_better,
        score=score,
        reason=reason,
    )
