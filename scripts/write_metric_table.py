"""Write the table of metrics of docs/metrics.md from their declarations; --check only compares.

python scripts/write_metric_table.py [--check] [PAGE]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from featrank.metrics import LEFT_OUT, LEGEND, METRICS, describe
from featrank.render.text.metric_table import COLUMNS, cells

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
BEGIN, END = "<!-- metrics: scripts/write_metric_table.py writes this -->", "<!-- /metrics -->"


def main() -> None:
    """Write, or tell whether the table is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", nargs="?", type=Path, default=PAGE)
    parser.add_argument("--check", action="store_true", help="fail where it is stale")
    arguments = parser.parse_args()
    text = arguments.page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{arguments.page}: no '{BEGIN}' … '{END}'")
    fresh = f"{before}{BEGIN}\n{table()}{END}{after}"
    if not arguments.check:
        arguments.page.write_text(fresh)
    elif fresh != text:
        sys.exit(f"{arguments.page}: the table of metrics is stale; run {sys.argv[0]}")


def table() -> str:
    """The metrics that are built in, as Markdown, with what its words mean."""
    rows = [cells(describe(metric)) for metric in METRICS if not metric.origin]
    lines = [list(COLUMNS), ["---"] * len(COLUMNS)]
    lines += [[f"`{name}`", *(rest.replace("|", "\\|") for rest in more)] for name, *more in rows]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", LEGEND, "", LEFT_OUT, ""])


if __name__ == "__main__":
    main()
