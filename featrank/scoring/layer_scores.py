"""A stored layer's scores: those that are kept, and those that are computed now."""

from __future__ import annotations

from collections.abc import Sequence

from featrank.cache.scores import ScoreStore
from featrank.cache.stored_features import StoredFeatures
from featrank.metrics import SOURCE_PROBS, Metric
from featrank.records import MetricScore, Shuffles
from featrank.scoring.score import score_features


def layer_scores(
    layer: StoredFeatures, metrics: Sequence[Metric], shuffles: Shuffles | None = None
) -> dict[str, MetricScore]:
    """A stored layer's scores by metric; those that are kept are not computed again.

    Args:
        layer: The layer.
        metrics: In the order of the columns.
        shuffles: The label permutations whose scores stand beside; None for none.
    """
    stores = {metric.name: _store(layer, metric) for metric in metrics}
    scores: dict[str, MetricScore] = {}
    for metric in metrics:
        kept = stores[metric.name]
        found = kept and kept.get(
            metric.name, metric.version, metric.params, origin=metric.origin, shuffles=shuffles
        )
        if found:
            scores[metric.name] = found
    missing = [metric for metric in metrics if metric.name not in scores]
    for scored in score_features(layer, missing, shuffles):
        kept = stores[scored.metric]
        # Why a plug-in failed may be mended without a new version.
        if kept and (scored.score is not None or not scored.origin):
            kept.put(scored, shuffles)
        scores[scored.metric] = scored
    return {metric.name: scores[metric.name] for metric in metrics}


def _store(layer: StoredFeatures, metric: Metric) -> ScoreStore | None:
    """Where a metric's score is kept: beside what it reads; None where there is nothing to read."""
    read = layer.source_probs if metric.needs == SOURCE_PROBS else layer
    return None if read is None else read.kept
