"""A result as one self-contained HTML page: nothing is fetched, nothing is run but our own."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from featrank.render._format import Format
from featrank.render.text.table import file_notes, header, labels, partial_line, sampled_rows
from featrank.render.text.visible import as_json, shown
from featrank.results.agreement import weighted_tau
from featrank.results.structs import Document

if TYPE_CHECKING:
    from jinja2 import Template


def render(document: Document) -> bytes:
    """The page. Every string from outside is made visible and escaped: by Jinja, by us in JSON."""
    style, script = _resource("report.css"), _resource("report.js")
    rows = document["rows"]
    names, metrics = labels(rows), document["config"]["metrics"]
    html = _template().render(
        document=document,
        title=f"featrank: {document['target']['name']}",
        policy=_policy(style, script),
        style=style,
        script=script,
        data=script_json(_chart_data(document, names)),
        facts=header(document["target"], document.get("skipped", ())).removeprefix(
            f"{document['target']['name']}: "
        ),
        partial=partial_line(document) if document["partial"] else "",
        columns=_columns(document),
        table=[_table_row(row, names, metrics) for row in rows],
        layered=any("layer_rank" in row for row in rows),
        n_models=len({row["model"] for row in rows}),
        agreement=metric_agreement(document),
        notes=file_notes(document),
        stamp=_stamp_lines(document),
        config=as_json(document["config"]),
    )
    return html.encode()


def script_json(data: object) -> str:
    """JSON that may stand inside a script element: no character in it can end the element."""
    text = json.dumps(_visible(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _visible(data: Any) -> Any:
    """A document whose every text is visible, as it stands in the page."""
    if isinstance(data, dict):
        return {_visible(key): _visible(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_visible(value) for value in data]
    return shown(data) if type(data) is str else data  # what Jinja was told is safe is none


def metric_agreement(document: Document) -> list[dict[str, Any]]:
    """Weighted Kendall tau of each pair of metrics over the models that have both, best first."""
    ranked = [row for row in document["rows"] if "rank" in row]
    table = []
    for first in document["config"]["metrics"]:
        cells: list[float | None] = []
        for second in document["config"]["metrics"]:
            pairs = [(_rank(row, first), _rank(row, second)) for row in ranked]
            both = [(-a, -b) for a, b in pairs if a is not None and b is not None]
            tau = weighted_tau(*zip(*both, strict=True)) if len(both) > 1 else float("nan")
            cells.append(None if tau != tau else tau)  # noqa: PLR0124 (NaN alone is not itself)
        table.append({"metric": first, "cells": [_tau_cell(tau) for tau in cells]})
    return table


def _rank(row: Document, metric: str) -> int | None:
    score = row.get("scores", {}).get(metric)
    return None if score is None else score.get("rank")


def _tau_cell(tau: float | None) -> dict[str, str]:
    """Its number, and one of eleven shades."""
    if tau is None:
        return {"text": "–", "shade": "none"}
    return {"text": f"{tau:.2f}".replace("-", "−"), "shade": str(round(5 * tau) + 5)}


@functools.cache
def _template() -> Template:
    from jinja2 import Environment

    environment = Environment(
        autoescape=True, finalize=_visible, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_resource("report.html"))


@functools.cache
def _resource(name: str) -> str:
    return (resources.files("featrank.render") / "data" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """What the browser may run and show: this style, this script, and nothing from elsewhere."""

    def source(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; style-src {source(style)}; script-src {source(script)};"
        " base-uri 'none'; form-action 'none'"
    )


def _columns(document: Document) -> list[dict[str, str]]:
    """Heading, and which order is the first that a reader wants."""
    columns = []
    for metric in document["config"]["metrics"]:
        higher = _higher_is_better(document, metric)
        words = "higher is better" if higher else "lower is better"
        columns.append(
            {
                "name": metric,
                "arrow": "↑" if higher else "↓",
                "words": words,
                "first": "descending" if higher else "ascending",
            }
        )
    return columns


def _higher_is_better(document: Document, metric: str) -> bool:
    for row in document["rows"]:
        if metric in row.get("scores", {}):
            return bool(row["scores"][metric]["higher_is_better"])
    return True


def _table_row(row: Document, names: Mapping[str, str], metrics: Sequence[str]) -> dict[str, Any]:
    speed = row.get("images_per_second")
    return {
        "name": names[row["model"]],
        "id": row["model"],
        "layer": row["layer"],
        "failed": row["status"] == "failed",
        "best": "rank" in row or row["status"] == "failed",
        "rank": row.get("rank"),
        "cells": [
            _score_cell(row.get("scores", {}).get(metric), best="rank" in row) for metric in metrics
        ],
        "mean_rank": row.get("mean_rank"),
        "n_params": row.get("n_params"),
        "params": f"{row['n_params'] / 1e6:.1f}M" if "n_params" in row else "",
        "n_features": row.get("n_features"),
        "speed": speed,
        "speed_text": f"{speed:.0f}" if speed is not None else "",
    }


def _score_cell(score: Mapping[str, Any] | None, *, best: bool) -> dict[str, Any]:
    if score is None or "value" not in score:
        return {"value": None, "text": "–", "why": (score or {}).get("reason", "")}
    more = []
    if "low" in score and "high" in score:
        more.append(f"{score['low']:.3g} to {score['high']:.3g}")
    if "null_mean" in score:
        spread = f" ± {score['null_std']:.2g}" if "null_std" in score else ""
        more.append(f"null {score['null_mean']:.3g}{spread}")
    place = score.get("rank") if best else None
    if n_rows := sampled_rows(score):
        more.append(f"of a sample of {n_rows:,} images")
    return {
        "value": score["value"],
        "text": f"{score['value']:.4g}".replace("-", "−") + ("~" if n_rows else ""),
        "rank": place,
        "more": "; ".join(more),
    }


def _chart_data(document: Document, names: Mapping[str, str]) -> dict[str, Any]:
    """What the figures are drawn from."""
    models: dict[str, dict[str, Any]] = {}
    for row in document["rows"]:
        if row["status"] == "failed":
            continue
        model = models.setdefault(row["model"], {"name": names[row["model"]], "layers": []})
        scores = {name: score.get("value") for name, score in row.get("scores", {}).items()}
        if "rank" in row:
            speed = row.get("images_per_second")
            model |= {"rank": row["rank"], "scores": scores, "layer": row["layer"]}
            model |= {"params": row.get("n_params"), "speed": speed}
        place = row.get("depth", row.get("layer_index", 0))
        model["layers"].append({"name": row["layer"], "depth": place, "scores": scores})
    for model in models.values():
        model["layers"].sort(key=lambda layer: layer["depth"])
    metrics = [
        {"name": name, "higher": _higher_is_better(document, name)}
        for name in document["config"]["metrics"]
    ]
    config = document["config"]
    return {
        "metrics": metrics,
        "models": [model for model in models.values() if "rank" in model],
        "first": config.get("by") or next(iter([*config.get("layers_by", []), *config["metrics"]])),
    }


def _stamp_lines(document: Document) -> list[tuple[str, str]]:
    """What produced the result, as names and values."""
    stamp: Mapping[str, Any] = document["stamp"]
    git = stamp.get("git") or {}
    facts = [
        ("Made", stamp.get("created")),
        ("Command", " ".join(stamp.get("command", ()))),
        ("Source", git and f"{git['sha']}{' with local changes' if git['dirty'] else ''}"),
        ("Versions", _pairs(stamp.get("versions", {}))),
        ("Python", stamp.get("python")),
        ("Platform", stamp.get("platform")),
        ("Device", _devices(document["rows"]) or stamp.get("device")),
        ("Precision", stamp.get("precision")),
        ("Seeds", _pairs(stamp.get("seeds", {}))),
        ("Target", document["target"]["fingerprint"]),
        ("Configuration", stamp.get("hashes", {}).get("config")),
        ("Seconds", _pairs({k: f"{v:.1f}" for k, v in document.get("timings", {}).items()})),
        ("Schema", document["schema_version"]),
    ]
    return [(name, str(value)) for name, value in facts if value]


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _devices(rows: Sequence[Document]) -> str:
    return ", ".join(dict.fromkeys(row["device"] for row in rows if "device" in row))


FORMAT = Format("html", render, prints=False)
