"""A result as one flat table: a row a layer, a column a fact."""

from __future__ import annotations

from typing import Any

from featrank.render.text.table import sampled_rows
from featrank.results.schema import ResultDocument

# What a row says, in the order of the columns, and as what type.
_FACTS: dict[str, type] = {
    "model": str,
    "requested": str,
    "zoo": str,
    "architecture": str,
    "layer": str,
    "pooling": str,
    "layer_index": int,
    "depth": float,
    "n_features": int,
    "n_params": int,
    "images_per_second": float,
    "device": str,
    "weights": str,
    "status": str,
    "reason": str,
    "rank": int,
    "mean_rank": float,
    "layer_rank": int,
}
# What a score says: the value's column has the metric's name, the others end in theirs.
_SCORES: dict[str, type] = {
    "value": float,
    "rank": int,
    "layer_rank": int,
    "null_mean": float,
    "null_std": float,
    "low": float,
    "high": float,
    "null_reason": str,
    "reason": str,
    "sampled_rows": int,
    "label_free": bool,
}


def flat_columns(document: ResultDocument) -> dict[str, tuple[type, list[Any]]]:
    """Type and values of each column; None where there is no value.

    Target, fingerprint and ``partial`` stand in every row, so that tables of several targets can be
    put below each other.
    """
    rows = document["rows"]
    target = document["target"]
    columns: dict[str, tuple[type, list[Any]]] = {
        "target": (str, [target["name"]] * len(rows)),
        "target_fingerprint": (str, [target["fingerprint"]] * len(rows)),
        "partial": (bool, [document["partial"]] * len(rows)),
    }
    for name, kind in _FACTS.items():
        columns[name] = (kind, [row.get(name) for row in rows])
    for metric in document["config"]["metrics"]:
        scores: list[Any] = [row.get("scores", {}).get(metric, {}) for row in rows]
        scores = [
            {
                **score,
                "sampled_rows": sampled_rows(score),
                "label_free": score.get("details", {}).get("label_free"),
            }
            for score in scores
        ]
        for name, kind in _SCORES.items():
            values = [score.get(name) for score in scores]
            if name in ("value", "rank") or any(value is not None for value in values):
                columns[metric if name == "value" else f"{metric}_{name}"] = (kind, values)
    return columns
