"""Plain tables for people: columns that no terminal cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_ENDLESS = 100_000


def print_columns(
    columns: Mapping[str, Sequence[str]],
    console: Console,
    *,
    left: Sequence[str] = (),
    dispensable: Sequence[str] = (),
) -> None:
    """Print columns at their full width.

    Rich would squeeze columns to nothing on a narrow terminal; here the dispensable ones go, first
    to go first, and what is still too wide is left for the terminal to wrap.

    Args:
        columns: Cells by heading.
        console: Where to.
        left: Headings of the columns that are aligned to the left.
        dispensable: Headings that a narrow terminal does without.
    """
    wanted, table = 0, Table()
    for dropped in range(len(dispensable) + 1):
        kept = {name: cells for name, cells in columns.items() if name not in dispensable[:dropped]}
        table = _table(kept, left)
        wide = console.options.update(max_width=_ENDLESS)
        wanted = Measurement.get(console, wide, table).maximum
        if wanted <= console.width:
            break
    table.width = wanted
    console.print(table, soft_wrap=True)


def shown(text: str) -> str:
    """Text from outside with control characters made visible, so that none acts on a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def size(n_bytes: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


def _table(columns: Mapping[str, Sequence[str]], left: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in columns:
        justify = "left" if heading in left else "right"
        table.add_column(Text(heading), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    # One row of tall cells looks the same, and a thousand lines take a third of the time.
    if any(columns.values()):
        table.add_row(*(Text("\n".join(cells)) for cells in columns.values()))
    return table
