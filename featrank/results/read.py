"""Saved results back into records."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.records import (
    FAILED,
    LayerRef,
    MetricScore,
    ModelRef,
    Null,
    Ranking,
    Result,
    RowFacts,
    Score,
    ScoreRow,
    Skipped,
    TargetInfo,
)
from featrank.results.structs import (
    SCHEMA_VERSION,
    ResultDocument,
    RowDocument,
    ScoreDocument,
    TargetDocument,
)
from featrank.storage.contained import ClaimError
from featrank.storage.kept_json import MAX_BYTES, parse_json, take_seal, typed
from featrank.storage.named_files import open_named

log = logging.getLogger("featrank")

_WAY_OUT = "write one with featrank rank … -o result.json"


@dataclass(frozen=True)
class _Settings:
    """What later steps read of a run's settings."""

    metrics: tuple[str, ...]
    by: str | None = None
    layers_by: tuple[str, ...] = ()
    no_vote: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stamp:
    """What later steps read of a stamp."""

    created: str
    versions: dict[str, str]


def read_result(path: Path) -> Result:
    """The result that a JSON file holds; one that was changed since it was written is warned of.

    Raises:
        InputError: No such file, or it is no result of this version's shape.
    """
    try:
        with open_named(path) as stream:
            document = parse_json(stream.read(MAX_BYTES + 1))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", _WAY_OUT) from error
    except ClaimError as error:
        raise InputError(f"{path} {error}", _WAY_OUT) from error
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        said = f"has schema version {version}" if version is not None else "is no result"
        raise InputError(f"{path} {said}; this featrank reads {SCHEMA_VERSION}", _WAY_OUT)
    if take_seal(document) is False:
        log.warning("%s was changed after featrank wrote it; it is read as it stands", path)
    try:
        return result_of(document)
    except ClaimError as error:
        raise InputError(f"{path} is no whole result: {error}", _WAY_OUT) from error


def result_of(document: Mapping[str, Any]) -> Result:
    """The records that :func:`featrank.results.document.result_document` made a document of.

    Raises:
        ClaimError: A key is missing, or a value is of another kind; it says where.
    """
    whole = typed(document, ResultDocument)
    settings = typed(whole.config, _Settings)
    typed(whole.stamp, _Stamp)
    own = ("layers_by", "no_vote")  # which the document keeps there, and a ranking has itself
    return Result(
        ranking=Ranking(
            rows=tuple(_row(row) for row in whole.rows),
            metrics=settings.metrics,
            by=settings.by,
            layers_by=settings.layers_by,
            no_vote=settings.no_vote,
        ),
        target=_target(whole.target, tuple(whole.skipped)),
        config={key: value for key, value in whole.config.items() if key not in own},
        stamp=whole.stamp,
        candidates=tuple(whole.candidates),
        partial=whole.partial,
        timings=whole.timings or {},
    )


def _target(target: TargetDocument, skipped: tuple[Skipped, ...]) -> TargetInfo:
    return TargetInfo(
        name=target.name,
        fingerprint=target.fingerprint,
        split=target.split,
        class_counts=target.class_counts,
        skipped=skipped,
        offered=target.offered,
        n_duplicates=target.duplicates,
        warnings=tuple(target.warnings),
        n_groups=target.groups,
    )


def _row(row: RowDocument) -> ScoreRow:
    zoo, _, name = row.model.partition(":")
    if row.status != FAILED and row.scores is None:
        raise ClaimError(f"the row of {row.model} has neither scores nor a failure")
    return ScoreRow(
        model=ModelRef(row.requested, zoo, name, row.architecture, row.note),
        layer=LayerRef(row.layer, row.pooling),
        scores={name: _score(name, score) for name, score in (row.scores or {}).items()},
        **{fact: getattr(row, fact) for fact in RowFacts.__struct_fields__},
    )


def _score(metric: str, scored: ScoreDocument) -> MetricScore:
    score = null = None
    if scored.value is not None:
        ends = None
        if scored.low is not None and scored.high is not None:
            ends = (scored.low, scored.high)
        remarks = tuple(scored.remarks)
        score = Score(scored.value, scored.tie_break, scored.details, ends, remarks)
    if scored.null_mean is not None or scored.null_std is not None or scored.null_reason:
        null = Null(scored.null_mean, scored.null_std, scored.null_reason)
    return MetricScore(
        metric=metric,
        version=scored.version,
        params=scored.params,
        higher_is_better=scored.higher_is_better,
        score=score,
        reason=scored.reason,
        rank=scored.rank,
        layer_rank=scored.layer_rank,
        null=null,
        origin=scored.origin,
    )
