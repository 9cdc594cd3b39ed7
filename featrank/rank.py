"""Order scored rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from featrank.records import FAILED, MetricScore, Ranking, ScoreRow


def rank_rows(rows: Sequence[ScoreRow], metrics: Sequence[str], by: str | None = None) -> Ranking:
    """Rank each metric's column, then the rows.

    Within a metric the best has rank 1 and ties share a rank (1, 1, 3). The order of the rows is
    the mean of a row's ranks over the metrics, or the rank by one metric. A row that lacks a score
    counts for that metric as last of all rows that were scored at all; failed rows are not ranked.

    Args:
        rows: In the order asked for, which decides between ties.
        metrics: The metrics that count.
        by: The metric to order by, or None for the mean rank.
    """
    scored = [row for row in rows if row.status != FAILED]
    columns = {metric: _column_ranks(scored, metric) for metric in metrics}
    means = [
        sum(columns[metric][i] or len(scored) for metric in metrics) / max(len(metrics), 1)
        for i in range(len(scored))
    ]
    order_by = means if by is None else [columns[by][i] or len(scored) for i in range(len(scored))]
    ranked = [
        dataclasses.replace(
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
    return Ranking(tuple(ranked + failed), tuple(metrics), by)


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
