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
    Offered,
    Ranking,
    Result,
    Score,
    ScoreRow,
    Skipped,
    TargetInfo,
)
from featrank.results.schema import SCHEMA_VERSION, ResultDocument
from featrank.storage.contained import ClaimError
from featrank.storage.kept_json import MAX_BYTES, parse_json, take_seal, typed

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
        with path.open("rb") as stream:  # perhaps a pipe, which has no size
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
        whole = typed(document, ResultDocument)
        typed(whole["config"], _Settings)
        typed(whole["stamp"], _Stamp)
        return result_of(whole)
    except KeyError as error:
        raise InputError(f"{path} is no whole result: no {error}", _WAY_OUT) from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{path} is no whole result: {error}", _WAY_OUT) from error


def result_of(document: Mapping[str, Any]) -> Result:
    """The records that :func:`featrank.results.document.result_document` made a document of.

    Raises:
        KeyError: A key is missing.
        TypeError: A value is of another kind; ValueError and AttributeError likewise.
    """
    config = dict(document["config"])
    target = document["target"]
    return Result(
        ranking=Ranking(
            rows=tuple(_row(row) for row in document["rows"]),
            metrics=tuple(config["metrics"]),
            by=config.get("by"),
            layers_by=tuple(config.pop("layers_by", ())),
            no_vote=tuple(config.pop("no_vote", ())),
        ),
        target=TargetInfo(
            str(target["name"]),
            str(target["fingerprint"]),
            target.get("split"),
            {str(name): int(count) for name, count in target["class_counts"].items()},
            tuple(Skipped(skip["path"], skip["reason"]) for skip in document["skipped"]),
            Offered(**target["offered"]) if "offered" in target else None,
            int(target.get("duplicates", 0)),
            tuple(map(str, target.get("warnings", ()))),
            int(target.get("groups", 0)),
        ),
        config=config,
        stamp=dict(document["stamp"]),
        candidates=tuple(map(str, document["candidates"])),
        partial=bool(document["partial"]),
        timings=dict(document.get("timings", {})),
    )


def _row(row: Mapping[str, Any]) -> ScoreRow:
    zoo, _, name = row["model"].partition(":")
    model = ModelRef(row["requested"], zoo, name, row["architecture"], row.get("note", ""))
    facts = ("n_params", "n_features", "images_per_second", "mean_rank", "rank", "layer_rank")
    more = ("layer_index", "depth", "weights", "device", "curve", "loading")
    if row["status"] != FAILED and "scores" not in row:
        raise ValueError(f"the row of {row['model']} has neither scores nor a failure")
    return ScoreRow(
        model=model,
        layer=LayerRef(row["layer"], row["pooling"]),
        status=row["status"],
        reason=row.get("reason", ""),
        hint=row.get("hint", ""),
        scores={name: _score(name, score) for name, score in row.get("scores", {}).items()},
        **{key: row[key] for key in (*facts, *more) if key in row},
    )


def _score(metric: str, document: Mapping[str, Any]) -> MetricScore:
    score = None
    if "value" in document:
        tie_break = document.get("tie_break")
        value = float(document["value"])
        ends = (float(document["low"]), float(document["high"])) if "low" in document else None
        remarks = tuple(map(str, document.get("remarks", ())))
        score = Score(value, tie_break, dict(document.get("details", {})), ends, remarks)
    null = [document.get(f"null_{key}") for key in ("mean", "std", "reason")]
    return MetricScore(
        metric=metric,
        version=int(document["version"]),
        params=dict(document["params"]),
        higher_is_better=bool(document["higher_is_better"]),
        score=score,
        reason=document.get("reason", ""),
        rank=document.get("rank"),
        layer_rank=document.get("layer_rank"),
        null=Null(null[0], null[1], null[2] or "") if any(x is not None for x in null) else None,
        origin=document.get("origin", ""),
    )
