"""Learning curves as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from featrank.render.text.plain import Cell, print_columns, print_lines


def print_curves(document: Mapping[str, Any], console: Console) -> None:
    """Print the curve of every row that has one, and where the classifiers cross.

    Args:
        document: The result document.
        console: Where to.
    """
    for row in document["rows"]:
        curve = row.get("curve")
        if curve is None:
            continue
        name = f"{row['requested']} {row['layer']}"
        if "reason" in curve:
            print_lines([f"{name}, learning curve: {curve['reason']}"], console)
            continue
        print_lines([f"{name}: accuracy by shots a class"], console)
        columns: dict[str, list[Cell]] = {"shots": [str(shots) for shots in curve["shots"]]}
        for classifier, found in curve["classifiers"].items():
            columns[classifier] = _cells(found)
        print_columns(columns, console)
        lines = [_verdict(classifier, found) for classifier, found in curve["crossings"].items()]
        if n_rows := curve.get("sampled_rows"):
            lines.append(f"Of a seeded sample of {n_rows:,} images.")
        held_out = f"Balanced accuracy on {curve['held_out']} held-out images"
        spread = (
            f"mean±standard deviation over {curve['seeds']} seeds;"
            " a lead that is small beside it may be chance."
        )
        one = "of a single seed: --seeds 5 tells how far chance goes."
        lines.append(f"{held_out}, {spread if curve['seeds'] > 1 else one}")
        print_lines(lines, console)


def _cells(found: Mapping[str, Any]) -> list[Cell]:
    if "std" not in found:
        return [f"{mean:.3f}" for mean in found["mean"]]
    return [f"{mean:.3f}±{std:.3f}" for mean, std in zip(found["mean"], found["std"], strict=True)]


def _verdict(name: str, found: Mapping[str, int]) -> str:
    """Where a generative classifier and the linear probe cross."""
    if "last_ahead" not in found:
        return f"{name} is never ahead of linear."
    if "behind_from" not in found:
        return f"{name} is ahead of linear at {found['last_ahead']} shots, the most there are."
    return (
        f"{name} and linear cross: {name} is last ahead at {found['last_ahead']} shots,"
        f" linear no worse from {found['behind_from']} on."
    )
