"""Several results as one: shards, lists of models, targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from featrank.errors import InputError
from featrank.metrics import METRICS
from featrank.records import (
    FAILED,
    MetricScore,
    Result,
    ScoreRow,
    TargetInfo,
)
from featrank.registry import did_you_mean
from featrank.results.rank import rank_layers
from featrank.results.votes import without_vote
from featrank.stamp import make_stamp
from featrank.storage.digest import digest_json

Warn = Callable[[str], None]
RowKey = tuple[str, str, str]


def join_results(named: Mapping[str, Result], by: str | None, warn: Warn) -> Result:
    """One ranking of all rows, with ranks made anew.

    Results of one target become one list of models. Of several targets each metric becomes a column
    a target, ``TARGET:METRIC``, so that the mean rank speaks for all targets.

    Args:
        named: Results by the name they have in messages.
        by: The column to order by; None for what all of them are ordered by, else the mean rank.
        warn: Told where two results hold different scores for the same; the later one counts.

    Raises:
        InputError: Scores of the same metric that do not compare, or no such column.
    """
    if len(named) == 1 and by is None:
        return next(iter(named.values()))
    prefixes = _prefixes(named)
    columns: dict[str, MetricScore | None] = {}
    rows: dict[RowKey, ScoreRow] = {}
    for name, result in named.items():
        prefix = prefixes[result.target.fingerprint]
        for metric in result.ranking.metrics:
            columns.setdefault(prefix + metric, None)
        for row in _with_prefix(result, prefix):
            _check_comparable(row, columns, name)
            _merge(rows, row, name, warn)
    candidates = tuple(
        dict.fromkeys(model for result in named.values() for model in result.candidates)
    )
    kept = _in_order(_without_failures(list(rows.values())), candidates)
    by = _order(by, named, columns)
    fit = {column for column in columns if _across_widths(column)}
    present = {row.model.id for row in kept}
    return Result(
        ranking=rank_layers(kept, list(columns), by, fit, without_vote(columns)),
        target=_join_targets(named, prefixes),
        config=_join_configs(named),
        stamp={**make_stamp(), "joined": [dict(result.stamp) for result in named.values()]},
        candidates=candidates,
        partial=not present.issuperset(candidates),
        timings=_sum(result.timings for result in named.values()),
    )


def is_whole(result: Result) -> bool:
    """Whether every model that was asked for, in any shard, has its row."""
    present = {row.model.id for row in result.ranking.rows}
    return not result.partial and present.issuperset(result.candidates)


def _prefixes(named: Mapping[str, Result]) -> dict[str, str]:
    """What stands before a metric's name, by the target's fingerprint; nothing for one target."""
    targets = {result.target.fingerprint: result.target for result in named.values()}
    if len(targets) == 1:
        return dict.fromkeys(targets, "")
    names = [target.name for target in targets.values()]
    return {
        fingerprint: f"{target.name}:"
        if names.count(target.name) == 1
        else f"{target.name}-{fingerprint[:6]}:"
        for fingerprint, target in targets.items()
    }


def _with_prefix(result: Result, prefix: str) -> Iterator[ScoreRow]:
    for row in result.ranking.rows:
        scores = {
            prefix + metric: dataclasses.replace(score, metric=prefix + metric, layer_rank=None)
            for metric, score in row.scores.items()
        }
        yield msgspec.structs.replace(
            row, scores=scores, layer_rank=None, rank=None, mean_rank=None
        )


def _check_comparable(row: ScoreRow, columns: dict[str, MetricScore | None], name: str) -> None:
    for metric, score in row.scores.items():
        other = columns.get(metric)
        if other is None:
            columns[metric] = score
        elif (score.version, score.params) != (other.version, other.params):
            raise InputError(
                f"{name}: {metric} is version {score.version} with {dict(score.params)}, elsewhere"
                f" version {other.version} with {dict(other.params)}",
                "scores of different versions do not compare; rank again with one featrank",
            )


def _merge(rows: dict[RowKey, ScoreRow], row: ScoreRow, name: str, warn: Warn) -> None:
    key = (row.model.id, row.layer.name, row.layer.pooling)
    other = rows.get(key)
    if other is None:
        rows[key] = row
        return
    for metric, score in row.scores.items():
        known = other.scores.get(metric)
        if known is not None and known.score != score.score:
            warn(
                f"{name}: {row.model.id}, {metric} differs from an earlier result; this one counts"
            )
    chosen = other if row.status == FAILED else row
    rows[key] = msgspec.structs.replace(chosen, scores={**other.scores, **row.scores})


def _without_failures(rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """Without the failures of models that succeeded in another result."""
    succeeded = {row.model.id for row in rows if row.status != FAILED}
    return [row for row in rows if row.status != FAILED or row.model.id not in succeeded]


def _in_order(rows: Sequence[ScoreRow], candidates: Sequence[str]) -> list[ScoreRow]:
    """As asked for, and by depth, which decides between ties."""
    places = {model: i for i, model in enumerate(candidates)}
    return sorted(
        rows, key=lambda row: (places.get(row.model.id, len(places)), row.layer_index or 0)
    )


def _order(
    by: str | None, named: Mapping[str, Result], columns: Mapping[str, MetricScore | None]
) -> str | None:
    if by is None:
        orders = {result.ranking.by for result in named.values()}
        (only,) = orders if len(orders) == 1 else (None,)
        return only if only in columns else None
    if by not in columns:
        listing = f"known: {', '.join(columns)}"
        raise InputError(f"--by {by} is no column", did_you_mean(by, columns, listing))
    return by


def _across_widths(column: str) -> bool:
    metric = column.rpartition(":")[2]
    return metric in METRICS.names() and METRICS.get(metric).across_widths


def _join_targets(named: Mapping[str, Result], prefixes: Mapping[str, str]) -> TargetInfo:
    targets = {result.target.fingerprint: result.target for result in named.values()}
    if len(targets) == 1:
        return next(iter(targets.values()))
    return TargetInfo(
        name=" + ".join(target.name for target in targets.values()),
        fingerprint=digest_json(sorted(targets)),
        split=None,
        class_counts={
            f"{prefixes[fingerprint]}{name}": count
            for fingerprint, target in targets.items()
            for name, count in target.class_counts.items()
        },
        skipped=tuple(skip for target in targets.values() for skip in target.skipped),
    )


def _join_configs(named: Mapping[str, Result]) -> dict[str, Any]:
    """What all were asked for, and what was joined."""
    first, *others = (result.config for result in named.values())
    shared = {
        key: value
        for key, value in first.items()
        if all(other.get(key) == value for other in others)
    }
    return {**shared, "joined": list(named)}


def _sum(timings: Iterator[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for seconds in timings:
        for name, value in seconds.items():
            total[name] = total.get(name, 0.0) + value
    return total
