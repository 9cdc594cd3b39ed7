"""Metrics as a table for people, and one of them in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from featrank.render.text.plain import print_lines
from featrank.render.text.visible import talk

# Narrower, a reference would be cut into a column of single words.
_ROOM_FOR_PAPERS = 100

COLUMNS = ("name", "better", "needs", "predicts", "cost", "paper")


def cells(metric: Mapping[str, Any]) -> list[str]:
    """A metric's entries under :data:`COLUMNS`."""
    direction = "↑" if metric["higher_is_better"] else "↓"
    return [metric["name"], direction, *(metric[key] for key in COLUMNS[2:])]


def print_metrics(
    metrics: Sequence[Mapping[str, Any]], console: Console, notes: Sequence[str]
) -> None:
    """Print a row a metric; a narrow terminal does without the references.

    Args:
        metrics: As :func:`featrank.metrics._description.describe` gives them.
        console: Where to.
        notes: Lines below the table.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    columns = [name for name in COLUMNS if name != "paper" or console.width >= _ROOM_FOR_PAPERS]
    for name in columns:
        table.add_column(name, no_wrap=name != "paper")
    for metric in metrics:
        table.add_row(*(Text(talk(cell)) for cell in cells(metric)[: len(columns)]))
    console.print(table)
    if len(columns) < len(COLUMNS):
        notes = ["featrank metrics NAME has the reference.", *notes]
    print_lines(notes, console)


def print_metric(metric: Mapping[str, Any], console: Console) -> None:
    """Print all that is known of one metric."""
    print_lines(_lines(metric), console)


def _lines(metric: Mapping[str, Any]) -> Iterator[str]:
    yield f"{metric['name']}: {metric['summary']}"
    yield ""
    facts = {
        "better": "higher" if metric["higher_is_better"] else "lower",
        "needs": metric["needs"],
        "predicts": metric["predicts"],
        "cost": metric["cost"],
        "paper": metric["paper"],
        "version": str(metric["version"]),
        "parameters": ", ".join(f"{k}={v}" for k, v in metric["params"].items()) or "none",
        "bounds": _bounds(metric),
        "across widths": "compares" if metric["across_widths"] else "does not compare",
        "wrong labels": _labels(metric),
        "samples": "no" if metric["max_rows"] is None else f"above {metric['max_rows']:,} rows",
        "mean rank": _vote(metric),
        "from": metric["origin"],
    }
    for name, value in facts.items():
        yield f"{name:<14} {value}"
    if metric["traps"]:
        yield f"{'traps':<14} {metric['traps']}"
    yield ""
    yield from metric["formula"].splitlines()


def _bounds(metric: Mapping[str, Any]) -> str:
    low, high = metric["bounds"]
    text = f"{'-∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"
    return f"{text}, narrower by the shape of the data" if metric["bounds_depend_on_data"] else text


def _vote(metric: Mapping[str, Any]) -> str:
    if metric["label_free"]:
        return "has no vote"
    return f"no vote beside {metric['alike']}" if metric["alike"] else "votes"


def _labels(metric: Mapping[str, Any]) -> str:
    if metric["label_free"]:
        return "label-free: reads none"
    return "lower it" if metric["sees_labels"] else "are not seen by it"
