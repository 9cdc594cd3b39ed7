"""Models for people to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console

from featrank.render.text.plain import print_columns

_DASH = "–"


def print_models(models: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print models, one a line.

    Args:
        models: Each as in the JSON of `featrank models`.
        console: Where to.
    """
    columns: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "model": lambda m: m["name"],
        "params": lambda m: f"{m['n_params'] / 1e6:.2f}M" if "n_params" in m else _DASH,
        "GMACs": lambda m: f"{m['macs'] / 1e9:.2f}" if "macs" in m else _DASH,
        "input": lambda m: "×".join(map(str, m["input_size"][1:])) if "input_size" in m else _DASH,
        "width": lambda m: str(m.get("n_features", _DASH)),
        "top-1": lambda m: f"{m['top1']:.2f}" if "top1" in m else _DASH,
        "trained on": lambda m: " → ".join(m["pretrained_on"]) or _DASH,
        "licence": lambda m: m.get("license", _DASH),
        "on this machine": lambda m: "yes" if m["cached"] else "no",
    }
    print_columns(
        {name: [cell(model) for model in models] for name, cell in columns.items()},
        console,
        left=("model", "trained on", "licence"),
        dispensable=("input", "licence", "width", "on this machine", "trained on"),
    )
