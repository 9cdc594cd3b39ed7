"""From a candidate's features to its row of scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from featrank.cache.scores import ScoreStore
from featrank.cache.store import FeatureStore, Layer
from featrank.errors import InputError
from featrank.metrics import METRICS, SOURCE_PROBS, Metric
from featrank.records import MetricScore, Shuffles
from featrank.scoring.score import score_blocks, score_features, unscored

ALL_METRICS = "all"
NO_SOURCE_PROBS = "needs a classifier's probabilities, and no classifier came with these features"


def choose_metrics(metrics: Sequence[str], by: str | None) -> list[Metric]:
    """The metrics that names and wildcards pick; "all" is every one.

    Raises:
        InputError: An unknown name, or an order by a metric that is not among them.
    """
    chosen = METRICS.select("*" if name == ALL_METRICS else name for name in metrics)
    if not chosen:
        raise InputError("no metric is asked for", "name some, or say --metrics all")
    if by is not None and METRICS.get(by) not in chosen:
        raise InputError(f"--by {by} is not among --metrics", "add it there")
    return chosen


def layer_scores(
    layer: Layer,
    metrics: Sequence[Metric],
    store: FeatureStore,
    head: Layer | None = None,
    shuffles: Shuffles | None = None,
) -> dict[str, MetricScore]:
    """A stored layer's scores; those that are kept are not computed again.

    Args:
        layer: The layer.
        metrics: In the order of the columns.
        store: Where the features are.
        head: The probabilities of the pre-training classes, for the metrics that need them.
        shuffles: The label permutations whose scores stand beside; None for none.
    """
    scores = _scores(layer, [m for m in metrics if m.needs != SOURCE_PROBS], store, shuffles)
    readers = [metric for metric in metrics if metric.needs == SOURCE_PROBS]
    if head is None:
        scores |= {metric.name: unscored(metric, NO_SOURCE_PROBS) for metric in readers}
    else:
        scores |= _scores(head, readers, store, shuffles)
    return {metric.name: scores[metric.name] for metric in metrics}


def _scores(
    layer: Layer, metrics: Sequence[Metric], store: FeatureStore, shuffles: Shuffles | None
) -> dict[str, MetricScore]:
    """One stored layer's scores by these metrics."""
    kept = ScoreStore(layer.directory, layer.manifest.features_digest)
    scores: dict[str, MetricScore] = {}
    for metric in metrics:
        found = kept.get(
            metric.name, metric.version, metric.params, origin=metric.origin, shuffles=shuffles
        )
        if found is not None:
            scores[metric.name] = found
    missing = [metric for metric in metrics if metric.name not in scores]
    for scored in _score_layer(layer, missing, store, shuffles):
        # Why a plug-in failed may be mended without a new version.
        if scored.score is not None or not scored.origin:
            kept.put(scored, shuffles)
        scores[scored.metric] = scored
    return scores


def _score_layer(
    layer: Layer, metrics: Sequence[Metric], store: FeatureStore, shuffles: Shuffles | None
) -> Iterator[MetricScore]:
    """Metrics of moments read the layer in blocks; only for others is it all in memory."""
    streamed = [metric for metric in metrics if metric.needs == "moments"]
    others = [metric for metric in metrics if metric.needs != "moments"]
    if streamed:
        names = layer.manifest.class_names
        groups = store.groups(layer)
        yield from score_blocks(lambda: store.blocks(layer), names, streamed, shuffles, groups)
    if others:
        yield from score_features(store.read(layer), others, shuffles)
