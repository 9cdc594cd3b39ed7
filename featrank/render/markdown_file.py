"""A result as Markdown: the ranking to read, then every number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from featrank.render._flat import flat_columns
from featrank.render._format import Format
from featrank.render.text.plain import Cell, cell_lines
from featrank.render.text.table import file_notes, header, partial_line, ranking_columns
from featrank.render.text.visible import shown
from featrank.results.structs import Document

# Everything that Markdown or HTML could take for markup; an underscore inside a word is none.
_MARKUP = re.compile(r"[\\`*\[\]<>|~#&!@$^]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9])")
# What would begin a list, or a rule across the page.
_ITEM = re.compile(r"^(\d*)([-+](?=[-\s]|$)|(?<=\d)[.)](?=\s|$))")
# Addresses that renderers make links of by themselves, whatever escapes the text has.
_LINK = re.compile(r"(?i)(https?|ftp|www)(?=[:.])|:(?=//)|@")


def render(document: Document) -> bytes:
    """The ranking with four digits, what to know beside it, and all rows with all digits."""
    columns = flat_columns(document)
    every = {
        name: ["" if value is None else str(value) for value in values]
        for name, (_, values) in columns.items()
        if any(value is not None for value in values)
    }
    parts = [
        *summary_lines(document),
        "",
        "<details><summary>Every number</summary>",
        "",
        *table_lines(every),
        "",
        "</details>",
        "",
        *_stamp_lines(document["stamp"]),
    ]
    return ("\n".join(parts) + "\n").encode()


def summary_lines(document: Document) -> Iterator[str]:
    """The ranking and what to know beside it."""
    yield f"### featrank: {escape(header(document['target'], document.get('skipped', ())))}"
    yield ""
    if document["partial"]:
        yield f"**{escape(partial_line(document))}**"
        yield ""
    columns = ranking_columns(document)
    yield from table_lines(columns, left=("model", "layer"))
    yield ""
    for line in file_notes(document):
        yield f"- {escape(line)}"


def table_lines(columns: Mapping[str, Sequence[Cell]], left: Sequence[str] = ()) -> Iterator[str]:
    """A table of columns by heading.

    Args:
        columns: Cells by heading.
        left: Headings of the columns that are aligned to the left; all, where none is named.
    """
    yield _line(map(escape, columns))
    yield _line(":--" if not left or name in left else "--:" for name in columns)
    for cells in zip(*columns.values(), strict=True):
        yield _line("<br>".join(map(escape, cell_lines(cell))) for cell in cells)


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no link, no end of the cell."""
    plain = _ITEM.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", shown(text).strip()))
    return _LINK.sub(r"\g<0>&#8203;", plain)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _stamp_lines(stamp: Mapping[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in stamp["versions"].items())
    yield f"<sub>{escape(versions)}; {escape(str(stamp['created']))}</sub>"


FORMAT = Format("md", render)
