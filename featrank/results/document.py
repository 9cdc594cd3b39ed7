"""The one JSON document of a result; every other format is made from it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from featrank.records import MetricScore, Null, Result, ScoreRow
from featrank.results.schema import SCHEMA_VERSION, ResultDocument


def result_document(result: Result) -> ResultDocument:
    """A result as JSON: keys that do not apply are left out."""
    target = result.target
    document = {
        "schema_version": SCHEMA_VERSION,
        "partial": result.partial,
        "config": _present(
            **{**result.config, "metrics": list(result.ranking.metrics), "by": result.ranking.by},
            layers_by=list(result.ranking.layers_by) or None,
            no_vote=list(result.ranking.no_vote) or None,
        ),
        "stamp": dict(result.stamp),
        "target": _present(
            name=target.name,
            fingerprint=target.fingerprint,
            n_images=target.n_images,
            n_classes=target.n_classes,
            class_counts=dict(target.class_counts),
            split=target.split,
            skipped=len(target.skipped),
            offered=asdict(target.offered) if target.offered is not None else None,
            duplicates=target.n_duplicates or None,
            groups=target.n_groups or None,
            warnings=list(target.warnings) or None,
        ),
        "candidates": list(result.candidates),
        "rows": [_row(row) for row in result.ranking.rows],
        "skipped": [{"path": skip.path, "reason": skip.reason} for skip in target.skipped],
        "timings": dict(result.timings),
    }
    return cast(ResultDocument, document)


def _row(row: ScoreRow) -> dict[str, Any]:
    return _present(
        model=row.model.id,
        requested=row.model.requested,
        zoo=row.model.zoo,
        architecture=row.model.architecture,
        layer=row.layer.name,
        pooling=row.layer.pooling,
        n_features=row.n_features,
        n_params=row.n_params,
        images_per_second=row.images_per_second,
        device=row.device,
        weights=row.weights,
        status=row.status,
        reason=row.reason or None,
        hint=row.hint or None,
        note=row.model.note or None,
        scores={name: _score(score) for name, score in row.scores.items()} or None,
        mean_rank=row.mean_rank,
        rank=row.rank,
        layer_rank=row.layer_rank,
        layer_index=row.layer_index,
        depth=row.depth,
        loading=dict(row.loading) if row.loading else None,
        curve=row.curve,
    )


def _score(scored: MetricScore) -> dict[str, Any]:
    score, null = scored.score, scored.null or Null()
    low, high = score.interval if score and score.interval else (None, None)
    return _present(
        value=score.value if score else None,
        tie_break=score.tie_break if score else None,
        rank=scored.rank,
        layer_rank=scored.layer_rank,
        version=scored.version,
        params=dict(scored.params),
        higher_is_better=scored.higher_is_better,
        low=low,
        high=high,
        details=dict(score.details) if score and score.details else None,
        remarks=list(score.remarks) if score and score.remarks else None,
        reason=scored.reason or None,
        null_mean=null.mean,
        null_std=null.std,
        null_reason=null.reason or None,
        origin=scored.origin or None,
    )


def _present(**entries: Any) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if value is not None}
