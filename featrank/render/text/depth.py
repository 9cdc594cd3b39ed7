"""Scores over depth: one line of blocks a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BLOCKS = "▁▂▃▄▅▆▇█"
_NO_SCORE = "·"


def sparkline(values: Sequence[float | None]) -> str:
    """Values as blocks between their own minimum and maximum; a gap where there is none."""
    present = [value for value in values if value is not None]
    if not present:
        return _NO_SCORE * len(values)
    low, high = min(present), max(present)
    step = (high - low) / (len(BLOCKS) - 1)
    return "".join(
        _NO_SCORE if value is None else BLOCKS[round((value - low) / step) if step else 0]
        for value in values
    )


def layers_of(document: Mapping[str, Any], model: str) -> list[Mapping[str, Any]]:
    """The rows of one model, in depth order."""
    rows = [row for row in document["rows"] if row["model"] == model]
    return sorted(rows, key=lambda row: row.get("layer_index", 0))


def pictures(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """For each model with several layers its name and its line, higher blocks being better.

    The score is that of the first metric that layers are compared by.
    """
    metrics = document["config"].get("layers_by") or document["config"]["metrics"]
    metric: str = metrics[0]
    for row in document["rows"]:
        if "rank" not in row or "layer_rank" not in row:
            continue
        layers = layers_of(document, row["model"])
        scores = [layer["scores"].get(metric, {}) for layer in layers]
        values = [score.get("value") for score in scores]
        known = [value for value in values if value is not None]
        # Drawn so that up is better; the range is given as it is.
        down = any(score.get("higher_is_better") is False for score in scores)
        drawn = [-value if down and value is not None else value for value in values]
        ends = f"{min(known):.4g} to {max(known):.4g}" if known else "no scores"
        line = f"{metric} {sparkline(drawn)} {ends}; best {row['layer']}"
        yield row["model"], line
