"""A result as CSV: a row a layer.

Names stand as they are, so that they can be joined with other tables, but for what acts on a
reader: what is not printable becomes visible, and an apostrophe keeps a spreadsheet from taking
text for a formula.
"""

from __future__ import annotations

import csv
import io
import re

from featrank.render._flat import flat_columns
from featrank.render._format import Format
from featrank.render.text.visible import talk
from featrank.results.structs import Document

# Spreadsheets know the wide ones too.
_FORMULA = re.compile(r" *[=+\-@＝＋－＠]")


def render(document: Document) -> bytes:
    """The flat table; numbers with all their digits, nothing where there is no value."""
    columns = flat_columns(document)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(cell, columns))
    kept = [map(cell, values) if kind is str else values for kind, values in columns.values()]
    writer.writerows(zip(*kept, strict=True))
    return stream.getvalue().encode()


def cell(text: str | None) -> str | None:
    """Text that a spreadsheet shows, and that neither ends its row nor acts on a log."""
    if not text:
        return text
    line = talk(text)
    return f"'{line}" if _FORMULA.match(line) else line


FORMAT = Format("csv", render)
