"""From a candidate's features to its row of scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from featrank.cache.scores import ScoreStore
from featrank.cache.store import FeatureStore, Layer
from featrank.errors import InputError
from featrank.metrics import METRICS, Metric
from featrank.metrics.declaration import SOURCE_PROBS
from featrank.plan import Candidate
from featrank.records import CACHED, FAILED, OK, LayerRef, MetricScore, ScoreRow, Shuffles
from featrank.score import score_blocks, score_features, unscored

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


def score_candidate(
    candidate: Candidate,
    metrics: Sequence[Metric],
    store: FeatureStore,
    head: Layer | None = None,
    shuffles: Shuffles | None = None,
) -> ScoreRow:
    """One row of the ranking; scores that are kept are not computed again.

    Args:
        candidate: The layer.
        metrics: In the order of the columns.
        store: Where the features are.
        head: The probabilities of the pre-training classes, for the metrics that need them.
        shuffles: The label permutations whose scores stand beside; None for none.
    """
    model, layer, error = candidate.model, candidate.layer, candidate.error
    if layer is None or error is not None:
        reason, hint = (error.message, error.hint) if error else ("no features", "")
        return ScoreRow(model, LayerRef(), FAILED, reason, hint)
    scores = _scores(layer, [m for m in metrics if m.needs != SOURCE_PROBS], store, shuffles)
    readers = [metric for metric in metrics if metric.needs == SOURCE_PROBS]
    if head is None:
        scores |= {metric.name: unscored(metric, NO_SOURCE_PROBS) for metric in readers}
    else:
        scores |= _scores(head, readers, store, shuffles)
    return ScoreRow(
        model=model,
        layer=LayerRef(layer.manifest.key["layer"], layer.manifest.key["pooling"]),
        status=OK if candidate.forwarded else CACHED,
        n_params=layer.manifest.n_params,
        n_features=layer.manifest.n_features,
        images_per_second=layer.manifest.extraction.get("images_per_second"),
        loading=layer.manifest.extraction.get("loading"),
        scores={metric.name: scores[metric.name] for metric in metrics},
        depth=candidate.depth,
        weights=layer.manifest.key.get("weights"),
        device=layer.manifest.extraction.get("device"),
    )


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
