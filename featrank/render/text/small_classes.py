"""Which classes are too small for which metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMED = 8

# What a metric's parameters say of the images that it wants of every class.
_LEAST = {"folds": "folds", "shots": "shots"}


def small_classes(document: Mapping[str, Any]) -> Iterator[str]:
    """One line for each reason, naming the metrics and the classes with their sizes."""
    counts: Mapping[str, int] = document["target"]["class_counts"]
    lines: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for metric, score in _scores(document).items():
        for reason, names in _reasons(score, counts):
            if names:
                lines.setdefault((reason, names), []).append(metric)
    for (reason, names), metrics in lines.items():
        listing = ", ".join(f"{name} {counts.get(name, 0)}" for name in names[:_NAMED])
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"too small for {', '.join(metrics)} ({reason}): {listing}{more}"


def _scores(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """A score of each metric: what is asked of them here depends on the target alone."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in document["rows"]:
        for metric, score in row.get("scores", {}).items():
            if metric not in found or "value" in score:
                found[metric] = score
    return found


def _reasons(
    score: Mapping[str, Any], counts: Mapping[str, int]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for parameter, noun in _LEAST.items():
        least = score.get("params", {}).get(parameter)
        if isinstance(least, int):
            few = sorted((n, name) for name, n in counts.items() if n < least)
            yield f"fewer than {least} {noun}", tuple(name for _, name in few)
    dropped = score.get("details", {}).get("dropped_classes")
    if isinstance(dropped, list):
        yield "left out", tuple(map(str, dropped))
