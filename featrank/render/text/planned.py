"""What a run would do, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from featrank.render.text.plain import print_columns, print_lines, size

# As featrank.run.dry_run.PlannedModel.document.
Planned = Mapping[str, Any]

_UNKNOWN = "unknown"


def print_planned(models: Sequence[Planned], console: Console) -> None:
    """Print a row for each model and the totals."""
    print_columns(
        {
            "model": [model["requested"] for model in models],
            "layers": [str(model["layers"]) for model in models],
            "cached": [str(model["cached"]) for model in models],
            "to extract": [str(model["layers"] - model["cached"]) for model in models],
            "images": [str(model["images"]) for model in models],
            "download": [_download(model) for model in models],
            "time": [_time(model) for model in models],
        },
        console,
        left=("model",),
    )
    failures = [
        f"{model['requested']} would fail: {model['reason']}"
        for model in models
        if "reason" in model
    ]
    print_lines([*_totals(models), *failures], console)


def duration(seconds: float) -> str:
    """Seconds for people."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _download(model: Planned) -> str:
    if not model["download"]:
        return "–"
    return size(model["download_bytes"]) if "download_bytes" in model else _UNKNOWN


def _time(model: Planned) -> str:
    if "reason" in model:
        return "–"
    return duration(model["seconds"]) if "seconds" in model else _UNKNOWN


def _totals(models: Sequence[Planned]) -> list[str]:
    layers = sum(model["layers"] for model in models)
    cached = sum(model["cached"] for model in models)
    known = [model["seconds"] for model in models if "seconds" in model]
    unknown = len(models) - len(known)
    downloads = [model for model in models if model["download"]]
    sized = [model["download_bytes"] for model in downloads if "download_bytes" in model]
    lines = [
        f"{len(models)} models, {layers} layers: {cached} cached, {layers - cached} to extract"
    ]
    if downloads:
        at_least = "at least " if len(sized) < len(downloads) else ""
        lines.append(f"{len(downloads)} downloads, {at_least}{size(sum(sized))}")
    if unknown:
        of = f" of {unknown} models, which were never measured on this machine"
        more = f"{duration(sum(known))} for the others; " if any(known) else ""
        lines.append(f"time: {more}unknown{of}")
    else:
        lines.append(
            f"time: {duration(sum(known))} of forward passes, by the speed measured before"
        )
    return lines
