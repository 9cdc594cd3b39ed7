"""Scores from features that are there already, without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from featrank.cache.key import FeatureKey
from featrank.cache.listing import Entry, find_entry
from featrank.cache.store import FeatureStore
from featrank.cache.stored_features import StoredFeatures
from featrank.errors import FeatrankError, IncompleteError, InputError
from featrank.labelled.feature_source import FeatureSource
from featrank.layers.names import HEAD_LAYER
from featrank.metrics import SOURCE_PROBS, Metric
from featrank.records import (
    CACHED,
    FAILED,
    LayerRef,
    ModelRef,
    Result,
    ScoreRow,
    Shuffles,
    TargetInfo,
)
from featrank.results.rank import rank_rows
from featrank.results.votes import without_vote
from featrank.run.rows import layer_row
from featrank.scoring.choice import choose_metrics
from featrank.scoring.features_file import SUFFIXES, open_features_file
from featrank.scoring.learning_curve import CurveSettings, learning_curve
from featrank.scoring.score import in_memory, score_features
from featrank.stamp import make_stamp
from featrank.storage.digest import digest_json


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is computed of each source.

    Attributes:
        metrics: In the order of the columns.
        shuffles: The label permutations whose scores stand beside; None for none.
        curve: How a learning curve is drawn; None for none.
    """

    metrics: Sequence[Metric]
    shuffles: Shuffles | None = None
    curve: CurveSettings | None = None


def score_sources(
    sources: Sequence[str],
    metrics: Sequence[str],
    by: str | None,
    store: FeatureStore,
    *,
    shuffles: Shuffles | None = None,
    curve: CurveSettings | None = None,
) -> Result:
    """Score features that are there already: cached layers by key, or files by path.

    Args:
        sources: Keys of the cache, or files with features and labels.
        metrics: Names and wildcards.
        by: The metric to order by; None for the mean rank.
        store: The cache.
        shuffles: The label permutations whose scores stand beside; None for none.
        curve: How learning curves are drawn; None for none.

    Raises:
        InputError: No such key or file, or they are of different targets.
        IncompleteError: The only cached layer is damaged; one of several gets a row that says so.
    """
    wanted = Wanted(choose_metrics(metrics, by), shuffles, curve)
    rows: list[ScoreRow] = []
    targets: dict[str, TargetInfo] = {}
    for source in sources:
        try:
            row, info = _score_source(source, wanted, store)
        except FeatrankError as error:
            if len(sources) == 1:
                raise
            rows.append(_failed(source, error))
            continue
        rows.append(row)
        targets.setdefault(info.fingerprint, info)
    if not targets:
        raise InputError(
            f"none of the {len(sources)} can be scored; {rows[0].reason}",
            "see what is cached: featrank cache list",
        )
    if len(targets) > 1:
        raise InputError(
            f"these are {len(targets)} targets: {', '.join(t.name for t in targets.values())}",
            "scores compare only within one target; score one target at a time",
        )
    names = [metric.name for metric in wanted.metrics]
    ranking = rank_rows(rows, names, by, without_vote(names))
    config: dict[str, Any] = {"sources": list(sources), "by": by}
    if shuffles is not None:
        config |= {"null": shuffles.count, "seed": shuffles.seed}
    if curve is not None:
        config |= {"curve": True, "seeds": curve.seeds, "seed": curve.seed}
    candidates = tuple(row.model.id for row in rows)
    return Result(ranking, next(iter(targets.values())), config, make_stamp(), candidates)


def _score_source(source: str, wanted: Wanted, store: FeatureStore) -> tuple[ScoreRow, TargetInfo]:
    if source.lower().endswith(SUFFIXES):
        return _score_file(Path(source), wanted)
    return _score_entry(find_entry(store, source), wanted, store)


def _failed(source: str, error: FeatrankError) -> ScoreRow:
    """One of several sources that cannot be scored."""
    kind = "file" if source.lower().endswith(SUFFIXES) else "cache"
    return ScoreRow(
        model=ModelRef(source, kind, source, Path(source).stem),
        layer=LayerRef("features", "none"),
        status=FAILED,
        reason=error.message,
        hint=error.hint,
    )


def _score_entry(entry: Entry, wanted: Wanted, store: FeatureStore) -> tuple[ScoreRow, TargetInfo]:
    layer = entry.layer
    if layer is None:
        raise IncompleteError(f"{entry.key} is not complete", "run the extraction again")
    if damages := store.check(layer):
        raise IncompleteError(f"damaged: {damages[0]}", "run the extraction again")
    manifest = layer.manifest
    zoo, _, name = manifest.model.partition(":")
    model = ModelRef(manifest.model, zoo, name, manifest.key["architecture"])
    info = TargetInfo(
        manifest.target,
        manifest.key["target"],
        manifest.split,
        manifest.class_counts,
        manifest.skipped,
        warnings=manifest.warnings,
    )
    head = None
    if any(metric.needs == SOURCE_PROBS for metric in wanted.metrics):
        head = store.find(FeatureKey.from_document(manifest.key).with_layer(HEAD_LAYER))
    stored = StoredFeatures(store, layer, head)
    row = layer_row(model, stored, wanted.metrics, wanted.shuffles)
    if wanted.curve is not None:
        row = msgspec.structs.replace(row, curve=_kept_curve(stored, wanted.curve))
    return row, info


def _score_file(path: Path, wanted: Wanted) -> tuple[ScoreRow, TargetInfo]:
    given = open_features_file(path)
    counts = np.bincount(given.labels, minlength=len(given.class_names)).tolist()
    labels = digest_json([list(given.class_names), given.labels.tolist()])
    info = TargetInfo(path.stem, labels, None, dict(zip(given.class_names, counts, strict=True)))
    scores = score_features(given, wanted.metrics, wanted.shuffles)
    row = ScoreRow(
        model=ModelRef(str(path), "file", str(path), path.stem),
        layer=LayerRef("features", "none"),
        status=CACHED,
        n_features=given.n_features,
        scores={scored.metric: scored for scored in scores},
        curve=_curve(given, wanted.curve) if wanted.curve is not None else None,
    )
    return row, info


def _kept_curve(stored: StoredFeatures, settings: CurveSettings) -> Mapping[str, Any]:
    """A stored layer's curve, computed once."""
    try:
        return stored.kept.load("curve", settings.key)
    except (OSError, ValueError):
        curve = _curve(stored, settings)
        stored.kept.keep("curve", settings.key, curve)
        return curve


def _curve(source: FeatureSource, settings: CurveSettings) -> Mapping[str, Any]:
    """The curve as JSON, or the reason there is none."""
    try:
        return learning_curve(in_memory(source), settings).document
    except InputError as error:
        return {"reason": error.message}
