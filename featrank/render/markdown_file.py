"""A result as Markdown: the ranking to read, then every number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from featrank.render.flat import flat_columns
from featrank.render.format import Format
from featrank.render.plain import shown
from featrank.render.table import file_notes, header, partial_line, ranking_columns
from featrank.schema import ResultDocument

# Everything that Markdown or HTML could take for markup; an underscore inside a word is none.
_MARKUP = re.compile(r"[\\`*\[\]<>|~#&!@$^]|(?<![a-zA-Z0-9])_|_(?![a-zA-Z0-9])")
_LINK = re.compile(r"(?i)\b(https?|ftp|www)(?=[:.])")


def render(document: ResultDocument) -> bytes:
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
    return ("\n".join(parts) + "\n").encode("utf-8", "backslashreplace")


def summary_lines(document: ResultDocument) -> Iterator[str]:
    """The ranking and what to know beside it."""
    yield f"### featrank: {escape(header(document['target']))}"
    yield ""
    if document["partial"]:
        yield f"**{escape(partial_line(document))}**"
        yield ""
    columns = ranking_columns(document)
    yield from table_lines(columns, left=("model", "layer"), cell=_of_lines)
    yield ""
    for line in file_notes(document):
        yield f"- {escape(line)}"


def table_lines(
    columns: Mapping[str, Sequence[str]],
    left: Sequence[str] = (),
    cell: Callable[[str], str] | None = None,
) -> Iterator[str]:
    """A table of columns by heading.

    Args:
        columns: Cells by heading.
        left: Headings of the columns that are aligned to the left; all, where none is named.
        cell: What makes Markdown of a cell; :func:`escape` by default.
    """
    cell = cell or escape
    yield _line(map(escape, columns))
    yield _line(":--" if not left or name in left else "--:" for name in columns)
    for cells in zip(*columns.values(), strict=True):
        yield _line(map(cell, cells))


def escape(text: str) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, no link, no end of the cell."""
    linkless = _LINK.sub(r"\1&#8203;", _MARKUP.sub(r"\\\g<0>", shown(text)))
    return linkless.strip()


def _of_lines(text: str) -> str:
    """A cell of several lines of our own."""
    return "<br>".join(map(escape, text.split("\n")))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _stamp_lines(stamp: Mapping[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {version}" for name, version in stamp["versions"].items())
    yield f"<sub>{escape(versions)}; {escape(str(stamp['created']))}</sub>"


FORMAT = Format("md", render)
