"""The one JSON document of a result; every other format is made from it."""

from __future__ import annotations

from typing import Any

import msgspec

from featrank.records import MetricScore, Null, Result, RowFacts, ScoreRow, TargetInfo
from featrank.results.structs import (
    SCHEMA_VERSION,
    Document,
    ResultDocument,
    RowDocument,
    ScoreDocument,
    TargetDocument,
    in_order,
)


def result_document(result: Result) -> Document:
    """A result as JSON: keys that do not apply are left out."""
    document: Document = msgspec.to_builtins(
        ResultDocument(
            schema_version=SCHEMA_VERSION,
            partial=result.partial,
            config=_config(result),
            stamp=dict(result.stamp),
            target=_target(result.target),
            candidates=list(result.candidates),
            rows=[_row(row) for row in result.ranking.rows],
            skipped=list(result.target.skipped),
            timings=dict(result.timings),
        ),
        enc_hook=_plain,
    )
    document["rows"] = [in_order(row) for row in document["rows"]]
    return document


def _plain(value: object) -> object:
    """What a kind of number or text of its own is as JSON: NumPy's float64 is a float."""
    for kind in (float, int, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _config(result: Result) -> dict[str, Any]:
    ranking = result.ranking
    config = {
        **result.config,
        "metrics": list(ranking.metrics),
        "by": ranking.by,
        "layers_by": list(ranking.layers_by) or None,
        "no_vote": list(ranking.no_vote) or None,
    }
    return {key: value for key, value in config.items() if value is not None}


def _target(target: TargetInfo) -> TargetDocument:
    return TargetDocument(
        name=target.name,
        fingerprint=target.fingerprint,
        n_images=target.n_images,
        n_classes=target.n_classes,
        class_counts=dict(target.class_counts),
        split=target.split,
        skipped=len(target.skipped),
        offered=target.offered,
        duplicates=target.n_duplicates,
        groups=target.n_groups,
        warnings=list(target.warnings),
    )


def _row(row: ScoreRow) -> RowDocument:
    scores = {name: _score(score) for name, score in row.scores.items()}
    return RowDocument(
        model=row.model.id,
        requested=row.model.requested,
        zoo=row.model.zoo,
        architecture=row.model.architecture,
        layer=row.layer.name,
        pooling=row.layer.pooling,
        note=row.model.note,
        scores=scores or None,
        **{fact: getattr(row, fact) for fact in RowFacts.__struct_fields__},
    )


def _score(scored: MetricScore) -> ScoreDocument:
    score, null = scored.score, scored.null or Null()
    low, high = score.interval if score and score.interval else (None, None)
    return ScoreDocument(
        value=score.value if score else None,
        tie_break=score.tie_break if score else None,
        rank=scored.rank,
        layer_rank=scored.layer_rank,
        version=scored.version,
        params=dict(scored.params),
        higher_is_better=scored.higher_is_better,
        low=low,
        high=high,
        details=dict(score.details) if score else {},
        remarks=list(score.remarks) if score else [],
        reason=scored.reason,
        null_mean=null.mean,
        null_std=null.std,
        null_reason=null.reason,
        origin=scored.origin,
    )
