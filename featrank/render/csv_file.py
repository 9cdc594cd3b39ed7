"""A result as CSV: a row a layer.

Names stand as they are, so that they can be joined with other tables. A spreadsheet may take a name
that starts with = for a formula: import the columns as text.
"""

from __future__ import annotations

import csv
import io

from featrank.render.flat import flat_columns
from featrank.render.format import Format
from featrank.schema import ResultDocument


def render(document: ResultDocument) -> bytes:
    """The flat table; numbers with all their digits, nothing where there is no value."""
    columns = flat_columns(document)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(values for _, values in columns.values()), strict=True))
    return stream.getvalue().encode("utf-8", "backslashreplace")


FORMAT = Format("csv", render)
