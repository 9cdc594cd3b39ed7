"""Order scored rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import msgspec

from featrank.records import FAILED, MetricScore, Ranking, ScoreRow


def rank_layers(
    rows: Sequence[ScoreRow],
    metrics: Sequence[str],
    by: str | None = None,
    across_widths: Collection[str] = (),
    no_vote: Collection[str] = (),
) -> Ranking:
    """Rank models, each by its best layer.

    The layers of a model are compared by ``by`` where that compares across widths, else by the mean
    rank over the metrics that do; where none does the deepest layer stands for the model.

    Args:
        rows: Each model's layers in depth order.
        metrics: The metrics that count.
        by: The metric to order models by, or None for the mean rank.
        across_widths: The metrics whose numbers compare between layers of different width.
        no_vote: The metrics that the mean rank leaves out.
    """
    fit = tuple(metric for metric in _voting(metrics, no_vote) if metric in across_widths)
    layers_by = (by,) if by is not None and by in across_widths else fit
    groups: dict[str, list[ScoreRow]] = {}
    for row in rows:
        groups.setdefault(row.model.id, []).append(row)
    best: list[ScoreRow] = []
    others: list[ScoreRow] = []
    for layers in groups.values():
        ordered = layers
        if len(layers) > 1 and all(row.status != FAILED for row in layers):
            ordered = _order_layers(layers, metrics, layers_by)
        best.append(min(ordered, key=lambda row: row.layer_rank or 0))
        others += [row for row in ordered if row is not best[-1]]
    ranking = rank_rows(best, metrics, by, no_vote)
    ranked = [row for row in ranking.rows if row.status != FAILED]
    rows_in_order = (*ranked, *others, *ranking.failed)
    return dataclasses.replace(ranking, rows=rows_in_order, layers_by=layers_by if others else ())


def _order_layers(
    layers: Sequence[ScoreRow], metrics: Sequence[str], layers_by: Sequence[str]
) -> list[ScoreRow]:
    """The layers of one model with their ranks among each other, in depth order."""
    columns = {metric: _column_ranks(layers, metric) for metric in metrics}
    sums = [
        sum(columns[metric][i] or len(layers) for metric in layers_by) for i in range(len(layers))
    ]
    if not layers_by:
        sums = list(range(len(layers), 0, -1))
    return [
        msgspec.structs.replace(
            row,
            scores={
                metric: dataclasses.replace(score, layer_rank=columns[metric][i])
                for metric, score in row.scores.items()
            },
            layer_index=i,
            layer_rank=1 + sum(other < sums[i] for other in sums),
        )
        for i, row in enumerate(layers)
    ]


def rank_rows(
    rows: Sequence[ScoreRow],
    metrics: Sequence[str],
    by: str | None = None,
    no_vote: Collection[str] = (),
) -> Ranking:
    """Rank each metric's column, then the rows.

    Within a metric the best has rank 1 and ties share a rank (1, 1, 3). The order of the rows is
    the mean of a row's ranks over the metrics, or the rank by one metric. A row that lacks a score
    counts for that metric as last of all rows that were scored at all; failed rows are not ranked.

    Args:
        rows: In the order asked for, which decides between ties.
        metrics: The metrics that count.
        by: The metric to order by, or None for the mean rank.
        no_vote: The metrics that the mean rank leaves out; without effect where these are all.
    """
    voting = _voting(metrics, no_vote)
    scored = [row for row in rows if row.status != FAILED]
    columns = {metric: _column_ranks(scored, metric) for metric in metrics}
    means = [
        sum(columns[metric][i] or len(scored) for metric in voting) / max(len(voting), 1)
        for i in range(len(scored))
    ]
    order_by = means if by is None else [columns[by][i] or len(scored) for i in range(len(scored))]
    ranked = [
        msgspec.structs.replace(
            row,
            scores={
                metric: dataclasses.replace(score, rank=columns[metric][i])
                for metric, score in row.scores.items()
            },
            mean_rank=means[i],
            rank=1 + sum(other < order_by[i] for other in order_by),
        )
        for i, row in enumerate(scored)
    ]
    ranked.sort(key=lambda row: row.rank or 0)
    failed = [row for row in rows if row.status == FAILED]
    silent = tuple(metric for metric in metrics if metric not in voting)
    return Ranking(tuple(ranked + failed), tuple(metrics), by, no_vote=silent)


def _voting(metrics: Sequence[str], no_vote: Collection[str]) -> Sequence[str]:
    return [metric for metric in metrics if metric not in no_vote] or metrics


def _column_ranks(rows: Sequence[ScoreRow], metric: str) -> list[int | None]:
    keys = [_sort_key(row.scores.get(metric)) for row in rows]
    present = [key for key in keys if key is not None]
    return [None if key is None else 1 + sum(other > key for other in present) for key in keys]


def _sort_key(scored: MetricScore | None) -> tuple[float, float] | None:
    """Greater is better."""
    if scored is None or scored.score is None:
        return None
    sign = 1 if scored.higher_is_better else -1
    return sign * scored.score.value, sign * (scored.score.tie_break or 0.0)
