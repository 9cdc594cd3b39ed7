"""Results for tests that need one of a known shape, with names that try to break out of it."""

from __future__ import annotations

from typing import Any

from featrank.schema import ResultDocument

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


def document_of(rows: list[dict[str, Any]], **more: Any) -> ResultDocument:
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


def small_document(**more: Any) -> ResultDocument:
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
