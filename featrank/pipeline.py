"""The one read: resolve → plan → extract or reuse → score → rank."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from featrank.cache.scores import ScoreStore
from featrank.cache.store import FeatureStore, Layer
from featrank.config import RunConfig
from featrank.errors import InputError
from featrank.file_hashes import FileHashes
from featrank.fill import fill
from featrank.metrics import METRICS, Metric
from featrank.metrics.declaration import SOURCE_PROBS
from featrank.plan import Candidate, Pass, plan_passes
from featrank.rank import rank_layers
from featrank.records import (
    CACHED,
    FAILED,
    OK,
    LayerRef,
    MetricScore,
    Result,
    ScoreRow,
    TargetInfo,
)
from featrank.reporting import Reporter
from featrank.score import score_features, unscored
from featrank.stamp import make_stamp
from featrank.targets import open_target
from featrank.targets.target import Target
from featrank.zoos import resolve_models
from featrank.zoos.zoo import Shelf

NO_SOURCE_PROBS = "needs a classifier's probabilities, and this model has no classifier"


def rank_models(config: RunConfig, reporter: Reporter) -> Result:
    """Rank the models that a configuration names on its target.

    Raises:
        InputError: Asked wrongly: nothing was scored.
    """
    metrics = METRICS.select(config.metrics)
    if config.by is not None and METRICS.get(config.by) not in metrics:
        raise InputError(f"--by {config.by} is not among --metrics", "add it there")
    with open_cache(config) as (store, shelf):
        models = resolve_models(config.models, shelf)
        for model in models:
            reporter.say(f"{model.requested} → {model.id}{model.note and f' ({model.note})'}")
        target = open_target(config.dataset, config.selection, shelf.hashes)
        _refuse_skipped(target.skipped, config)
        needs_head = any(metric.needs == SOURCE_PROBS for metric in metrics)
        passes = plan_passes(models, target, config, store, shelf, needs_head=needs_head)
        _announce(passes, target, reporter)
        filled: list[Candidate] = []
        rows: list[ScoreRow] = []
        for planned in passes:
            done = fill(planned, target, config, store, reporter)
            _check_usable(done.candidates[0], config)
            head = done.head.layer if done.head is not None else None
            filled += done.candidates
            rows += [score_candidate(layer, metrics, store, head) for layer in done.candidates]
    across_widths = {metric.name for metric in metrics if metric.across_widths}
    ranking = rank_layers(rows, [metric.name for metric in metrics], config.by, across_widths)
    return Result(ranking, describe(target, filled), config.document, make_stamp())


@contextmanager
def open_cache(config: RunConfig) -> Iterator[tuple[FeatureStore, Shelf]]:
    """The store, and what the zoos remember; the store is gone afterwards with ``--cache off``."""
    shelf = Shelf.at(config.cache_dir)
    if config.cache_dir is not None and config.cache != "off":
        yield FeatureStore(config.cache_dir, shelf.hashes), shelf
        return
    with tempfile.TemporaryDirectory(prefix="featrank-") as name:
        yield FeatureStore(Path(name), FileHashes()), shelf


def score_candidate(
    candidate: Candidate,
    metrics: Sequence[Metric],
    store: FeatureStore,
    head: Layer | None = None,
) -> ScoreRow:
    """One row of the ranking; scores that are kept are not computed again.

    Args:
        candidate: The layer.
        metrics: In the order of the columns.
        store: Where the features are.
        head: The probabilities of the pre-training classes, for the metrics that need them.
    """
    model, layer, error = candidate.model, candidate.layer, candidate.error
    if layer is None or error is not None:
        reason, hint = (error.message, error.hint) if error else ("no features", "")
        return ScoreRow(model, LayerRef(), FAILED, reason, hint)
    scores = _scores(layer, [m for m in metrics if m.needs != SOURCE_PROBS], store)
    readers = [metric for metric in metrics if metric.needs == SOURCE_PROBS]
    if head is None:
        scores |= {metric.name: unscored(metric, NO_SOURCE_PROBS) for metric in readers}
    else:
        scores |= _scores(head, readers, store)
    return ScoreRow(
        model=model,
        layer=LayerRef(layer.manifest.key["layer"], layer.manifest.key["pooling"]),
        status=OK if candidate.fresh else CACHED,
        n_params=layer.manifest.n_params,
        n_features=layer.manifest.n_features,
        images_per_second=layer.manifest.extraction.get("images_per_second"),
        scores={metric.name: scores[metric.name] for metric in metrics},
        depth=candidate.depth,
    )


def _scores(layer: Layer, metrics: Sequence[Metric], store: FeatureStore) -> dict[str, MetricScore]:
    """One stored layer's scores by these metrics."""
    kept = ScoreStore(layer.directory, layer.manifest.features_digest)
    scores: dict[str, MetricScore] = {}
    for metric in metrics:
        if (found := kept.get(metric.name, metric.version, metric.params)) is not None:
            scores[metric.name] = found
    missing = [metric for metric in metrics if metric.name not in scores]
    if missing:
        for scored in score_features(store.read(layer), missing):
            kept.put(scored)
            scores[scored.metric] = scored
    return scores


def describe(target: Target, candidates: Sequence[Candidate]) -> TargetInfo:
    """The target as it was scored: without the images that turned out to be unreadable."""
    manifest = next((c.layer.manifest for c in candidates if c.layer is not None), None)
    counts = target.class_counts if manifest is None else manifest.class_counts
    skipped = target.skipped if manifest is None else (*target.skipped, *manifest.skipped)
    return TargetInfo(target.name, target.fingerprint, target.split, counts, skipped)


def _announce(passes: Sequence[Pass], target: Target, reporter: Reporter) -> None:
    failed = sum(planned.error is not None for planned in passes)
    missing = sum(planned.error is None and bool(planned.missing) for planned in passes)
    layers = sum(len(planned.candidates) for planned in passes if planned.error is None)
    of_layers = f" ({layers} layers)" if layers > len(passes) else ""
    reporter.say(
        f"plan: {len(target.samples)} images × {len(passes)} models{of_layers}:"
        f" {len(passes) - missing - failed} cached, {missing} to extract, {failed} failed"
    )


def _refuse_skipped(skipped: Sequence[object], config: RunConfig) -> None:
    if skipped and config.strict:
        raise InputError(f"--strict: {len(skipped)} unusable images, first {skipped[0]}")


def _check_usable(candidate: Candidate, config: RunConfig) -> None:
    """Stop where decoding showed that the target itself cannot be ranked on."""
    if candidate.layer is None:
        return
    manifest = candidate.layer.manifest
    _refuse_skipped(manifest.skipped, config)
    if len(manifest.class_counts) < 2:
        first = manifest.skipped[0] if manifest.skipped else None
        found = "no readable image" if not manifest.class_counts else "images of one class only"
        raise InputError(
            f"{found} in '{manifest.target}'" + (f"; {first.path}: {first.reason}" if first else "")
        )
