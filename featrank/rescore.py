"""Scores from features that are there already, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from featrank.cache.given import SUFFIXES, read_features_file
from featrank.cache.listing import Entry, find_entry
from featrank.cache.store import FeatureStore
from featrank.errors import IncompleteError, InputError
from featrank.metrics import Metric
from featrank.plan import Candidate
from featrank.rank import rank_rows
from featrank.records import (
    CACHED,
    LayerRef,
    ModelRef,
    Result,
    ScoreRow,
    TargetInfo,
    digest_json,
)
from featrank.row import choose_metrics, score_candidate
from featrank.score import score_features
from featrank.stamp import make_stamp


def score_sources(
    sources: Sequence[str], metrics: Sequence[str], by: str | None, store: FeatureStore
) -> Result:
    """Score features that are there already: cached layers by key, or files by path.

    Args:
        sources: Keys of the cache, or files with features and labels.
        metrics: Names and wildcards.
        by: The metric to order by; None for the mean rank.
        store: The cache.

    Raises:
        InputError: No such key or file, or they are of different targets.
        IncompleteError: A cached layer is damaged.
    """
    chosen = choose_metrics(metrics, by)
    rows: list[ScoreRow] = []
    targets: dict[str, TargetInfo] = {}
    for source in sources:
        if source.lower().endswith(SUFFIXES):
            row, info = _score_file(Path(source), chosen)
        else:
            row, info = _score_entry(find_entry(store, source), chosen, store)
        rows.append(row)
        targets.setdefault(info.fingerprint, info)
    if len(targets) > 1:
        raise InputError(
            f"these are {len(targets)} targets: {', '.join(t.name for t in targets.values())}",
            "scores compare only within one target; score one target at a time",
        )
    ranking = rank_rows(rows, [metric.name for metric in chosen], by)
    config = {"sources": list(sources), "by": by}
    candidates = tuple(row.model.id for row in rows)
    return Result(ranking, next(iter(targets.values())), config, make_stamp(), candidates)


def _score_entry(
    entry: Entry, metrics: Sequence[Metric], store: FeatureStore
) -> tuple[ScoreRow, TargetInfo]:
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
    )
    return score_candidate(Candidate(model, layer=layer), metrics, store), info


def _score_file(path: Path, metrics: Sequence[Metric]) -> tuple[ScoreRow, TargetInfo]:
    given = read_features_file(path)
    counts = np.bincount(given.labels, minlength=len(given.class_names)).tolist()
    labels = digest_json([list(given.class_names), given.labels.tolist()])
    info = TargetInfo(path.stem, labels, None, dict(zip(given.class_names, counts, strict=True)))
    row = ScoreRow(
        model=ModelRef(str(path), "file", str(path), path.stem),
        layer=LayerRef("features", "none"),
        status=CACHED,
        n_features=given.features.shape[1],
        scores={scored.metric: scored for scored in score_features(given, metrics)},
    )
    return row, info
