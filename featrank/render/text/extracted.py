"""What ``featrank extract`` did."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from featrank.records import ExtractionReport
from featrank.render.text.plain import print_columns, print_lines


def print_extracted(reports: Sequence[ExtractionReport], console: Console) -> None:
    """Print a row for each model, the total of images forwarded, and the failures."""
    print_columns(
        {
            "model": [report.model.requested for report in reports],
            "status": [report.status for report in reports],
            "rows": [_number(report.n_rows) for report in reports],
            "width": [_number(report.n_features) for report in reports],
            "forwarded": [str(report.forwarded) for report in reports],
            "img/s": [_number(report.images_per_second) for report in reports],
            "key": [report.key or "–" for report in reports],
        },
        console,
        left=("model", "status", "key"),
        dispensable=("img/s", "width"),
    )
    lines = [f"forwarded {sum(report.forwarded for report in reports)} images"]
    for report in reports:
        if report.reason:
            way_out = f" → {report.hint}" if report.hint else ""
            lines.append(f"{report.model.requested} failed: {report.reason}{way_out}")
    print_lines(lines, console)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"
