"""Results for tests that need one of a known shape, with names that try to break out of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

import featrank.render
from featrank.results.structs import Document

SCHEMA = Path(featrank.render.__file__).parent / "data" / "result.schema.json"

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    'a|b`c`*d* "q"\n[x](http://e.example)',
    "=1+1",
    "vit_b16",
)
HOSTILE_CLASS = '"><script>alert(2)</script>'


def score(value: float | None, rank: int | None, **more: Any) -> dict[str, Any]:
    document = {"value": value, "rank": rank, "version": 1, "params": {}, "higher_is_better": True}
    return {key: entry for key, entry in {**document, **more}.items() if entry is not None}


def row(name: str, place: int, scores: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "model": f"timm:{name}", "requested": name, "zoo": "timm", "architecture": name,
        "layer": "pre_logits", "pooling": "auto", "n_features": 512 + place,
        "n_params": 5_000_000 * place, "images_per_second": 100 / place, "status": "ok",
        "scores": scores, "mean_rank": float(place), "rank": place, **more,
    }  # fmt: skip


def document_of(rows: list[dict[str, Any]], **more: Any) -> Document:
    metrics = list(dict.fromkeys(name for row in rows for name in row.get("scores", {})))
    document: Any = {
        "schema_version": 1,
        "partial": False,
        "config": {"dataset": "pets", "metrics": metrics},
        "stamp": {"created": "2026-01-02T03:04:05+00:00", "versions": {"featrank": "0.1.0"}},
        "target": {
            "name": "pets", "fingerprint": "f" * 64, "n_images": 7, "n_classes": 2,
            "class_counts": {HOSTILE_CLASS: 3, "dog": 4}, "skipped": 0,
        },
        "candidates": list(dict.fromkeys(row["model"] for row in rows)),
        "rows": rows,
        "skipped": [],
        "timings": {"total": 1.5},
        **more,
    }  # fmt: skip
    return document  # type: ignore[no-any-return]


def small_document(**more: Any) -> Document:
    """Four models with hostile names, two metrics, one of them lower-is-better, and a failure."""
    rows = [
        row(
            name, i,
            {
                "gda": score(0.1 + 0.2 / i, i, tie_break=-0.1 * i),
                "low": score(i / 3, i, higher_is_better=False),
            },
        )
        for i, name in enumerate(HOSTILE, 1)
    ]  # fmt: skip
    failed = {
        "model": "timm:resnet50", "requested": "resnet50", "zoo": "timm",
        "architecture": "resnet50", "layer": "pre_logits", "pooling": "auto", "status": "failed",
        "reason": "the hub did not answer <b>", "hint": "set HF_ENDPOINT",
    }  # fmt: skip
    return document_of([*rows, failed], **more)


def large_document(n_models: int = 200, n_layers: int = 12) -> Document:
    """Many models with several layers each; the scores are made up, and always the same."""
    families = ["resnet", "vit_base_patch16_224", "convnext_tiny", "tf_efficientnet_lite", "swin"]
    rows, others = [], []
    for m in range(n_models):
        best = (7 * m) % n_layers
        for i in range(n_layers):
            wave = math.sin(m * 12.9898 + i * 0.35)
            gda = 0.55 + 0.3 * (i + 1) / n_layers - 0.1 * m / n_models + 0.05 * wave
            name = f"{families[m % 5]}.v{m}"
            one = row(
                name, m + 1,
                {
                    "gda": score(gda, m + 1, layer_rank=i + 1, null_mean=0.167, null_std=0.02),
                    "nb": score(gda - 0.05 * abs(wave), m + 1, layer_rank=i + 1),
                    "tmi": score(300 + 40 * wave + i, n_models - m, layer_rank=i + 1),
                    "nc1": score(2 - gda, m + 1, layer_rank=i + 1, higher_is_better=False),
                },
                layer=f"blocks.{i}", layer_index=i, depth=(i + 1) / n_layers, layer_rank=i + 1,
                n_params=int(4e6 * 1.02 ** ((37 * m) % 200)),
                images_per_second=900 / (1 + (53 * m) % 97),
            )  # fmt: skip
            if i == best:
                rows.append(one)
            else:
                del one["rank"], one["mean_rank"]
                others.append(one)
    config = {"metrics": ["gda", "nb", "tmi", "nc1"], "layers_by": ["gda", "nb", "nc1"]}
    return document_of([*rows, *others], config=config)


def three_models() -> dict[str, Any]:
    """As read from a file: gda is better where higher, low where lower."""
    rows = [
        row(name, i, {
            "gda": score(gda, i),
            "low": score(1 - gda, i, higher_is_better=False),
        })
        for i, (name, gda) in enumerate({"alpha": 0.9, "beta": 0.8, "gamma": 0.6}.items(), 1)
    ]  # fmt: skip
    return json.loads(json.dumps(document_of(rows)))  # type: ignore[no-any-return]


def validated(text: str | bytes) -> Any:
    """The document that the text holds; it has no key that the schema does not know."""
    document = json.loads(text)
    schema = json.loads(SCHEMA.read_text())
    for described in (schema, *schema["$defs"].values()):
        described["additionalProperties"] = False
    Draft202012Validator(schema).validate(document)
    return document
