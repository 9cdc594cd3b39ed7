"""A result as one flat table: a row a layer, a column a fact."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

from featrank.render.text.table import sampled_rows
from featrank.results.structs import Document, RowDocument, ScoreDocument

# What a row says, in the order of the columns.
_FACTS = (
    "model",
    "requested",
    "zoo",
    "architecture",
    "layer",
    "pooling",
    "layer_index",
    "depth",
    "n_features",
    "n_params",
    "images_per_second",
    "device",
    "weights",
    "status",
    "reason",
    "rank",
    "mean_rank",
    "layer_rank",
)
# What a score says: the value's column has the metric's name, the others end in theirs.
_SCORES = (
    "value",
    "rank",
    "layer_rank",
    "null_mean",
    "null_std",
    "low",
    "high",
    "null_reason",
    "reason",
)
# What a score's details say, as what type; after the rest.
_DETAILS: dict[str, type] = {"sampled_rows": int, "label_free": bool}


def flat_columns(document: Document) -> dict[str, tuple[type, list[Any]]]:
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
    for name, kind in _types(RowDocument, _FACTS).items():
        columns[name] = (kind, [row.get(name) for row in rows])
    said = {**_types(ScoreDocument, _SCORES), **_DETAILS}
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
        for name, kind in said.items():
            values = [score.get(name) for score in scores]
            if name in ("value", "rank") or any(value is not None for value in values):
                columns[metric if name == "value" else f"{metric}_{name}"] = (kind, values)
    return columns


def _types(shape: type, names: tuple[str, ...]) -> dict[str, type]:
    """What the fields of a document hold where they hold something: text, a number, yes or no."""
    hints = get_type_hints(shape)
    return {name: _plain(hints[name]) for name in names}


def _plain(hint: Any) -> type:
    # ``int | None`` is a column of int, one of a few words a column of text.
    kind = next((one for one in get_args(hint) if one is not type(None)), hint)
    return kind if isinstance(kind, type) else type(kind)
