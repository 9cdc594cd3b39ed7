"""Which columns count in the mean rank."""

from __future__ import annotations

from collections.abc import Collection

from featrank.metrics import METRICS


def without_vote(columns: Collection[str]) -> tuple[str, ...]:
    """The columns that the mean rank leaves out.

    Diagnostics that read no labels say nothing about a target, and of two metrics that order models
    alike one would count twice.

    Args:
        columns: Metrics, or ``TARGET:METRIC``.
    """
    return tuple(column for column in columns if not _has_vote(column, columns))


def _has_vote(column: str, columns: Collection[str]) -> bool:
    prefix, colon, name = column.rpartition(":")
    if name not in METRICS.names():
        return True
    metric = METRICS.get(name)
    return metric.reads_labels and f"{prefix}{colon}{metric.alike}" not in columns
