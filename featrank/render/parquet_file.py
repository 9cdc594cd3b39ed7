"""A result as Parquet: the flat table, with the whole JSON document in its metadata."""

from __future__ import annotations

from featrank.render._flat import flat_columns
from featrank.render._format import Format
from featrank.render.json_file import render as render_json
from featrank.results.structs import Document

METADATA_KEY = b"featrank"


def render(document: Document) -> bytes:
    """The flat table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    arrays = {}
    for name, (kind, values) in flat_columns(document).items():
        kept = [value and _text(value) for value in values] if kind is str else values
        arrays[_text(name)] = pa.array(kept, type=kinds[kind])
    table = pa.table(arrays).replace_schema_metadata({METADATA_KEY: render_json(document)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def _text(value: str) -> str:
    """What UTF-8 cannot spell, made visible."""
    return value.encode("utf-8", "backslashreplace").decode()


FORMAT = Format("parquet", render, prints=False)
