"""A result as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from featrank.render.text.depth import layers_of, pictures
from featrank.render.text.plain import Cell, print_columns, print_lines
from featrank.render.text.small_classes import small_classes

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
    lines = [header(document["target"], document.get("skipped", ())), *small_classes(document)]
    if document.get("partial"):
        lines.append(partial_line(document))
    print_lines(lines, console)
    rows = _shown_rows(document, per_layer=per_layer)
    layered = any("layer_rank" in row for row in rows)
    rank = "layer_rank" if per_layer and layered else "rank"
    # Files have what a narrow terminal does without.
    dispensable = ("width", "params", "img/s", "mean rank")
    columns = ranking_columns(document, rows, rank)
    print_columns(columns, console, left=("model", "layer"), dispensable=dispensable)
    drawn = pictures(document) if per_layer and console.is_terminal else ()
    lines = [f"{model}: {line}" for model, line in drawn]
    lines += notes(document, rows)
    lines += layer_notes(document, per_layer=per_layer)
    lines += [*sample_notes(document), *vote_note(document)]
    if layered and not per_layer:
        lines.append("--per-layer shows all layers.")
    print_lines([*lines, *_null_note(document), FOOTER], console)


# Reasons that the header names, and how much of each.
_REASONS = 3
_LONGEST = 60


def header(target: Mapping[str, Any], skipped: Sequence[Mapping[str, str]] = ()) -> str:
    """What was scored: N and C, before and after a selection; smallest and largest class.

    Args:
        target: Of the result.
        skipped: What was left out of it, each with its reason.
    """
    counts: Mapping[str, int] = target["class_counts"]
    offered = target.get("offered", {})
    parts = [
        f"{target[key]} of {offered[key]} {noun}" if key in offered else f"{target[key]} {noun}"
        for key, noun in (("n_images", "images"), ("n_classes", "classes"))
    ]
    if counts:
        low, high = min(counts, key=lambda k: counts[k]), max(counts, key=lambda k: counts[k])
        text = f"smallest {low} {counts[low]}, largest {high} {counts[high]}"
        ratio = counts[high] / counts[low]
        parts.append(f"{text} ({ratio:.3g} : 1)" if ratio >= _IMBALANCED else text)
    parts.append(f"split {target.get('split') or 'none'}")
    parts.append(f"{target['skipped']} skipped{_reasons(skipped)}")
    if duplicates := target.get("duplicates"):
        parts.append(f"{duplicates} duplicates")
    if groups := target.get("groups"):
        parts.append(f"{groups} groups")
    return f"{target['name']}: {'; '.join(parts)}"


def _reasons(skipped: Sequence[Mapping[str, str]]) -> str:
    """Why images were skipped, the most frequent reasons first."""
    # What follows a colon differs from image to image.
    counts = Counter(item["reason"].partition(":")[0][:_LONGEST] for item in skipped)
    if not counts:
        return ""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) == 1:
        return f" ({ordered[0][0]})"
    named = ", ".join(f"{count} {reason}" for reason, count in ordered[:_REASONS])
    return f" ({named}{', …' if len(ordered) > _REASONS else ''})"


def partial_line(document: Mapping[str, Any]) -> str:
    """That models are still to come, and which."""
    present = {row["model"] for row in document["rows"]}
    missing = [model for model in document["candidates"] if model not in present]
    named = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
    return f"Partial: {len(missing)} of {len(document['candidates'])} models to come: {named}"


def _shown_rows(document: Mapping[str, Any], *, per_layer: bool) -> list[Mapping[str, Any]]:
    """The models' rows; with ``per_layer`` each replaced by all of the model, in depth order."""
    rows: list[Mapping[str, Any]] = []
    for row in document["rows"]:
        if "rank" not in row and row["status"] != "failed":
            continue
        rows += layers_of(document, row["model"]) if per_layer else [row]
    return rows


def file_notes(document: Mapping[str, Any]) -> list[str]:
    """All that a reader of a file must know beside the numbers."""
    return [
        *small_classes(document),
        *document["target"].get("warnings", ()),
        *notes(document),
        *layer_notes(document, per_layer=False),
        *sample_notes(document),
        *vote_note(document),
        *_null_note(document),
        FOOTER,
    ]


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


def notes(
    document: Mapping[str, Any], shown_rows: Sequence[Mapping[str, Any]] | None = None
) -> Iterator[str]:
    """What a reader must know beside the numbers, one line each.

    Args:
        document: The result.
        shown_rows: The rows that are shown; each model's best by default.
    """
    rows = _shown_rows(document, per_layer=False) if shown_rows is None else shown_rows
    names = labels(rows)
    several = len(names) < len(rows)
    for row in rows:
        where = f" {row['layer']}" if several else ""
        if row["status"] == "failed":
            way_out = f" → {row['hint']}" if row.get("hint") else ""
            yield f"{names[row['model']]} failed: {row['reason']}{way_out}"
        if loading := row.get("loading"):
            counts = ", ".join(f"{len(tensors)} {kind}" for kind, tensors in loading.items())
            yield f"{names[row['model']]}: tensors of its checkpoint that did not fit: {counts}"
        for note in row.get("weights_notes", []):
            yield f"{names[row['model']]}: {note}"
        for metric, score in row.get("scores", {}).items():
            said = [score["reason"]] if "reason" in score else score.get("remarks", [])
            if "null_reason" in score and "label_free" not in score.get("details", {}):
                said = [*said, f"no null: {score['null_reason']}"]
            for remark in said:
                yield f"{names[row['model']]}{where}, {metric}: {remark}"


def sampled_rows(score: Mapping[str, Any]) -> int | None:
    """Of how many rows the score is, where it is not of all."""
    found = score.get("details", {}).get("sampled_rows")
    return found if isinstance(found, int) else None


def sample_notes(document: Mapping[str, Any]) -> Iterator[str]:
    """Which metrics were scored on how many of the images."""
    found: dict[int, dict[str, None]] = {}
    for row in document["rows"]:
        for metric, score in row.get("scores", {}).items():
            if n_rows := sampled_rows(score):
                found.setdefault(n_rows, {})[metric] = None
    for n_rows, metrics in sorted(found.items()):
        yield f"~ of a seeded sample of {n_rows:,} images: {', '.join(metrics)}."


def vote_note(document: Mapping[str, Any]) -> Iterator[str]:
    """Which columns have no say in the mean rank."""
    if silent := document["config"].get("no_vote"):
        yield (
            f"Left out of the mean rank: {', '.join(silent)}:"
            " no labels are read there, or another column ranks alike."
        )


def labels(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Each model's name by its id: as typed, or the full id where what was typed names two."""
    models: dict[str, set[str]] = {}
    for row in rows:
        models.setdefault(row["requested"], set()).add(row["model"])
    return {
        row["model"]: row["requested"] if len(models[row["requested"]]) == 1 else row["model"]
        for row in rows
    }


def ranking_columns(
    document: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]] | None = None,
    rank: str = "rank",
) -> dict[str, list[Cell]]:
    """The cells of the ranking by heading.

    Args:
        document: The result.
        rows: Those to show; each model's best by default.
        rank: Which rank stands behind a score: ``rank`` or ``layer_rank``.
    """
    rows = _shown_rows(document, per_layer=False) if rows is None else rows
    layered = any("layer_rank" in row for row in rows)
    names = labels(rows)
    nulls = "null" in document["config"]
    return {
        "#": [str(row.get("rank", "–")) for row in rows],
        "model": [
            (names[row["model"]], "  null") if nulls else names[row["model"]] for row in rows
        ],
        **({"layer": [row["layer"] for row in rows]} if layered else {}),
        **{
            f"{metric} {_arrow(metric, rows)}".strip(): [
                (_cell(score, rank), _null(score)) if nulls else _cell(score, rank)
                for score in (row.get("scores", {}).get(metric) for row in rows)
            ]
            for metric in document["config"]["metrics"]
        },
        "mean rank": [f"{row['mean_rank']:.3g}" if "mean_rank" in row else "–" for row in rows],
        "params": [_millions(row.get("n_params")) for row in rows],
        "width": [str(row.get("n_features", "–")) for row in rows],
        "img/s": [_speed(row) for row in rows],
    }


def _arrow(metric: str, rows: Sequence[Mapping[str, Any]]) -> str:
    for row in rows:
        if metric in row.get("scores", {}):
            return "↑" if row["scores"][metric]["higher_is_better"] else "↓"
    return ""


def _cell(score: Mapping[str, Any] | None, rank: str) -> str:
    if score is None or "value" not in score:
        return "–"
    return f"{score['value']:.4g}{'~' if sampled_rows(score) else ''} ({score.get(rank, '–')})"


def _null(score: Mapping[str, Any] | None) -> str:
    if score is None or "null_mean" not in score:
        return "label-free" if (score or {}).get("details", {}).get("label_free") else "–"
    return f"{score['null_mean']:.4g}" + (
        f"±{score['null_std']:.2g}" if "null_std" in score else ""
    )


def _millions(n_params: int | None) -> str:
    return "–" if n_params is None else f"{n_params / 1e6:.1f}M"


def _speed(row: Mapping[str, Any]) -> str:
    if row["status"] == "ok" and "images_per_second" in row:
        return f"{row['images_per_second']:.0f}"
    return str(row["status"])
