"""A result as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from featrank.render.depth import layers_of, pictures
from featrank.render.plain import print_columns, shown
from featrank.render.small_classes import small_classes

# From this ratio of largest to smallest class on the header says it.
_IMBALANCED = 2

FOOTER = "Scores compare only within one metric and one target."


def print_table(document: Mapping[str, Any], console: Console, *, per_layer: bool = False) -> None:
    """Print header, ranking, notes and footer.

    Args:
        document: The result document.
        console: Where to; a table that is piped should be given a wide one.
        per_layer: Whether every layer has its row, rather than each model's best; on a terminal,
            with a picture of the scores over depth.
    """
    console.print(Text(header(document["target"])))
    for line in small_classes(document):
        console.print(Text(line))
    rows = _shown_rows(document, per_layer=per_layer)
    layered = any("layer_rank" in row for row in rows)
    rank = "layer_rank" if per_layer and layered else "rank"
    _print_rows(document, rows, rank, console)
    if per_layer and console.is_terminal:
        for model, line in pictures(document):
            console.print(Text(f"{shown(model)}: {line}"), soft_wrap=True)
    said = (*notes(document, rows), *layer_notes(document, per_layer=per_layer))
    for line in (*said, *_null_note(document), FOOTER):
        console.print(Text(line))


def header(target: Mapping[str, Any]) -> str:
    """What was scored: N and C, before and after a selection; smallest and largest class."""
    counts: Mapping[str, int] = target["class_counts"]
    offered = target.get("offered", {})
    parts = [
        f"{target[key]} of {offered[key]} {noun}" if key in offered else f"{target[key]} {noun}"
        for key, noun in (("n_images", "images"), ("n_classes", "classes"))
    ]
    if counts:
        low, high = min(counts, key=lambda k: counts[k]), max(counts, key=lambda k: counts[k])
        text = f"smallest {shown(low)} {counts[low]}, largest {shown(high)} {counts[high]}"
        ratio = counts[high] / counts[low]
        parts.append(f"{text} ({ratio:.3g} : 1)" if ratio >= _IMBALANCED else text)
    parts.append(f"split {target.get('split') or 'none'}")
    parts.append(f"{target['skipped']} skipped")
    if duplicates := target.get("duplicates"):
        parts.append(f"{duplicates} duplicates")
    return f"{shown(target['name'])}: {'; '.join(parts)}"


def _shown_rows(document: Mapping[str, Any], *, per_layer: bool) -> list[Mapping[str, Any]]:
    """The models' rows; with ``per_layer`` each replaced by all of the model, in depth order."""
    rows: list[Mapping[str, Any]] = []
    for row in document["rows"]:
        if "rank" not in row and row["status"] != "failed":
            continue
        rows += layers_of(document, row["model"]) if per_layer else [row]
    return rows


def _null_note(document: Mapping[str, Any]) -> Iterator[str]:
    if count := document["config"].get("null"):
        yield f"null: the same metric on permuted labels, mean±standard deviation of {count}."


def layer_notes(document: Mapping[str, Any], *, per_layer: bool) -> Iterator[str]:
    """How layers were compared, where a model has several."""
    if not any("layer_rank" in row for row in document["rows"]):
        return
    config = document["config"]
    metrics: Sequence[str] = config["metrics"]
    by: Sequence[str] = config.get("layers_by", ())
    if by:
        yield (
            f"Layers of a model are compared by {', '.join(by)}; "
            + ("in brackets, its rank among them." if per_layer else "its best is shown.")
        )
    else:
        yield "None of the metrics compares layers: the deepest stands for its model."
    if "tmi" in metrics:
        yield "Raw tmi grows with width and scale: it does not compare layers; tmi_norm does."
    if not per_layer:
        yield "--per-layer shows all layers."


def notes(
    document: Mapping[str, Any], shown_rows: Sequence[Mapping[str, Any]] | None = None
) -> Iterator[str]:
    """What a reader must know beside the numbers, one line each."""
    rows: Sequence[Mapping[str, Any]] = document["rows"] if shown_rows is None else shown_rows
    for row in rows:
        if row["status"] == "failed":
            way_out = f" → {row['hint']}" if row.get("hint") else ""
            yield f"{shown(label(row, rows))} failed: {shown(row['reason'])}{shown(way_out)}"
        if loading := row.get("loading"):
            counts = ", ".join(f"{len(names)} {kind}" for kind, names in loading.items())
            yield f"{shown(label(row, rows))}: tensors of its checkpoint that did not fit: {counts}"
        for metric, score in row.get("scores", {}).items():
            said = [score["reason"]] if "reason" in score else remarks(score.get("details", {}))
            if "null_reason" in score and "label_free" not in score.get("details", {}):
                said = [*said, f"no null: {score['null_reason']}"]
            for remark in said:
                yield f"{shown(label(row, rows))}, {metric}: {shown(remark)}"


def remarks(details: Mapping[str, Any]) -> Iterator[str]:
    """What a metric's details say against taking its number at face value."""
    if clamped := details.get("clamped_fraction"):
        yield f"{clamped:.1%} of the distances are clamped"
    if dropped := details.get("dropped_classes"):
        yield f"classes too small and left out: {', '.join(map(str, dropped))}"
    if single := details.get("single_classes"):
        yield f"classes of one image, counted as 0: {', '.join(map(str, single))}"
    if unpredictable := details.get("unpredictable"):
        yield f"{unpredictable} images whose class has no other image count as wrong"


def label(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """A model's name as typed, or its full id where that names two."""
    requested: str = row["requested"]
    models = {other["model"] for other in rows if other["requested"] == requested}
    return requested if len(models) <= 1 else str(row["model"])


def _print_rows(
    document: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], rank: str, console: Console
) -> None:
    """The rows, with each score's rank of that kind behind it."""
    metrics: Sequence[str] = document["config"]["metrics"]
    layered = any("layer_rank" in row for row in rows)
    nulls = "null" in document["config"]
    columns = {
        "#": [str(row.get("rank", "–")) for row in rows],
        "model": [shown(label(row, rows)) + ("\n  null" if nulls else "") for row in rows],
        **({"layer": [str(row["layer"]) for row in rows]} if layered else {}),
        **{
            f"{metric} {_arrow(metric, rows)}": [
                _cell(score := row.get("scores", {}).get(metric), rank)
                + (f"\n{_null(score)}" if nulls else "")
                for row in rows
            ]
            for metric in metrics
        },
        "mean rank": [f"{row['mean_rank']:.3g}" if "mean_rank" in row else "–" for row in rows],
        "params": [_millions(row.get("n_params")) for row in rows],
        "width": [str(row.get("n_features", "–")) for row in rows],
        "img/s": [_speed(row) for row in rows],
    }
    # Files have what a narrow terminal does without.
    dispensable = ("width", "params", "img/s", "mean rank")
    print_columns(columns, console, left=("model", "layer"), dispensable=dispensable)


def _arrow(metric: str, rows: Sequence[Mapping[str, Any]]) -> str:
    for row in rows:
        if metric in row.get("scores", {}):
            return "↑" if row["scores"][metric]["higher_is_better"] else "↓"
    return ""


def _cell(score: Mapping[str, Any] | None, rank: str) -> str:
    if score is None or "value" not in score:
        return "–"
    return f"{score['value']:.4g} ({score.get(rank, '–')})"


def _null(score: Mapping[str, Any] | None) -> str:
    if score is None or "null_mean" not in score:
        return "label-free" if (score or {}).get("details", {}).get("label_free") else "–"
    return f"{score['null_mean']:.4g}" + (
        f"±{score['null_std']:.2g}" if "null_std" in score else ""
    )


def _millions(n_params: int | None) -> str:
    return "–" if n_params is None else f"{n_params / 1e6:.1f}M"


def _speed(row: Mapping[str, Any]) -> str:
    if row["status"] == "ok":
        return f"{row['images_per_second']:.0f}"
    return str(row["status"])
