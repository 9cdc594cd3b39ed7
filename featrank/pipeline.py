"""The one read: resolve → plan → extract or reuse → score → rank."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from featrank.cache.scores import ScoreStore
from featrank.cache.store import FeatureStore
from featrank.config import RunConfig
from featrank.errors import InputError
from featrank.file_hashes import FileHashes
from featrank.fill import fill
from featrank.metrics import METRICS, Metric
from featrank.plan import Candidate, plan_candidates
from featrank.rank import rank_rows
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
from featrank.score import score_features
from featrank.stamp import make_stamp
from featrank.targets import open_target
from featrank.targets.target import Target
from featrank.zoos import resolve_models
from featrank.zoos.zoo import Shelf


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
        candidates = plan_candidates(models, target, config, store, shelf)
        _announce(candidates, target, reporter)
        filled: list[Candidate] = []
        rows: list[ScoreRow] = []
        for candidate in candidates:
            filled.append(fill(candidate, target, config, store, reporter))
            _check_usable(filled[-1], config)
            rows.append(score_candidate(filled[-1], metrics, store))
    ranking = rank_rows(rows, [metric.name for metric in metrics], config.by)
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
    candidate: Candidate, metrics: Sequence[Metric], store: FeatureStore
) -> ScoreRow:
    """One row of the ranking; scores that are kept are not computed again."""
    model, layer, error = candidate.model, candidate.layer, candidate.error
    if layer is None or error is not None:
        reason, hint = (error.message, error.hint) if error else ("no features", "")
        return ScoreRow(model, LayerRef(), FAILED, reason, hint)
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
    return ScoreRow(
        model=model,
        layer=LayerRef(layer.manifest.key["layer"], layer.manifest.key["pooling"]),
        status=OK if candidate.fresh else CACHED,
        n_params=layer.manifest.n_params,
        n_features=layer.manifest.n_features,
        images_per_second=layer.manifest.extraction.get("images_per_second"),
        scores={metric.name: scores[metric.name] for metric in metrics},
    )


def describe(target: Target, candidates: Sequence[Candidate]) -> TargetInfo:
    """The target as it was scored: without the images that turned out to be unreadable."""
    manifest = next((c.layer.manifest for c in candidates if c.layer is not None), None)
    counts = target.class_counts if manifest is None else manifest.class_counts
    skipped = target.skipped if manifest is None else (*target.skipped, *manifest.skipped)
    return TargetInfo(target.name, target.fingerprint, target.split, counts, skipped)


def _announce(candidates: Sequence[Candidate], target: Target, reporter: Reporter) -> None:
    missing = sum(c.layer is None and c.error is None for c in candidates)
    cached = sum(c.layer is not None for c in candidates)
    reporter.say(
        f"plan: {len(target.samples)} images × {len(candidates)} models:"
        f" {cached} cached, {missing} to extract, {len(candidates) - cached - missing} failed"
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
