"""Plain tables for people: columns that no terminal cuts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from featrank.render.text.visible import shown, talk

# One line, or several.
Cell = str | tuple[str, ...]

_GAP = "   "


def print_lines(lines: Iterable[str], console: Console) -> None:
    """Print lines, with what comes from outside made visible.

    The terminal wraps them where it must; Rich would cut a long name in two.

    Args:
        lines: Each is one line, whatever is in it.
        console: Where to.
    """
    for line in lines:
        console.print(Text(talk(line)), soft_wrap=True)


def print_columns(
    columns: Mapping[str, Sequence[Cell]],
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
        columns: Cells by heading; what comes from outside is made visible here.
        console: Where to.
        left: Headings of the columns that are aligned to the left.
        dispensable: Headings that a narrow terminal does without.
    """
    headings = {name: shown(name) for name in columns}
    parts = {
        name: [tuple(map(shown, cell_lines(cell))) for cell in cells]
        for name, cells in columns.items()
    }
    widths = {
        name: max(map(cell_len, (headings[name], *chain.from_iterable(cells))))
        for name, cells in parts.items()
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
        return talk(f" {_GAP.join(padded)} ")

    rows = [
        line(beside)
        for cells in zip(*(parts[name] for name in kept), strict=True)
        for beside in zip_longest(*cells, fillvalue="")
    ]
    blank = " " * (sum(widths[name] for name in kept) + len(_GAP) * (len(kept) - 1) + 2)
    rule = f" {('-' if console.options.ascii_only else '─') * (len(blank) - 2)} "
    head = line([headings[name] for name in kept])
    console.print(Text(f"{blank}\n{head}", style="bold"), soft_wrap=True)
    console.print(Text("\n".join([rule, *rows, blank])), soft_wrap=True)


def cell_lines(cell: Cell) -> tuple[str, ...]:
    """The lines of a cell."""
    return (cell,) if isinstance(cell, str) else cell


def size(n_bytes: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        # What rounds to 1000 is one of the next unit, not 1e+03 of this one.
        if n_bytes < 999.5:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"
