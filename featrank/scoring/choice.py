"""Which metrics are the columns of a table."""

from __future__ import annotations

from collections.abc import Sequence

from featrank.errors import InputError
from featrank.metrics import METRICS, Metric

ALL_METRICS = "all"


def choose_metrics(metrics: Sequence[str], by: str | None) -> list[Metric]:
    """The metrics that names and wildcards pick; "all" is every one.

    Raises:
        InputError: An unknown name, or an order by a metric that is not among them.
    """
    chosen = METRICS.select("*" if name == ALL_METRICS else name for name in metrics)
    if not chosen:
        raise InputError("no metric is asked for", "name some, or say --metrics all")
    if by is not None and METRICS.get(by) not in chosen:
        raise InputError(f"--by {by} is not among --metrics", "add it there")
    return chosen
