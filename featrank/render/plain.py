"""Plain tables for people: columns that no terminal cuts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

_GAP = "   "


def print_columns(
    columns: Mapping[str, Sequence[str]],
    console: Console,
    *,
    left: Sequence[str] = (),
    dispensable: Sequence[str] = (),
) -> None:
    """Print columns at their full width.

    Rich's own tables squeeze columns to nothing on a narrow terminal, and take seconds for some
    thousand rows. Here the dispensable columns go, first to go first, and what is still too wide is
    left for the terminal to wrap.

    Args:
        columns: Cells by heading; a cell may have several lines.
        console: Where to.
        left: Headings of the columns that are aligned to the left.
        dispensable: Headings that a narrow terminal does without.
    """
    widths = {
        name: max(cell_len(part) for cell in (name, *cells) for part in cell.split("\n"))
        for name, cells in columns.items()
    }
    kept = list(columns)
    for name in dispensable:
        if sum(widths[kept_name] + len(_GAP) for kept_name in kept) <= console.width + 1:
            break
        kept = [other for other in kept if other != name]

    def line(cells: Sequence[str]) -> str:
        padded = (
            set_cell_size(cell, widths[name])
            if name in left
            else " " * (widths[name] - cell_len(cell)) + cell
            for name, cell in zip(kept, cells, strict=True)
        )
        return f" {_GAP.join(padded)} "

    rows = [
        line(parts)
        for cells in zip(*(columns[name] for name in kept), strict=True)
        for parts in zip_longest(*(cell.split("\n") for cell in cells), fillvalue="")
    ]
    blank = " " * (sum(widths[name] for name in kept) + len(_GAP) * (len(kept) - 1) + 2)
    rule = f" {'─' * (len(blank) - 2)} "
    console.print(Text(f"{blank}\n{line(kept)}", style="bold"), soft_wrap=True)
    console.print(Text("\n".join([rule, *rows, blank])), soft_wrap=True)


def shown(text: str) -> str:
    """Text from outside with control characters made visible, so that none acts on a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def size(n_bytes: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        # What rounds to 1000 is one of the next unit, not 1e+03 of this one.
        if n_bytes < 999.5:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"
