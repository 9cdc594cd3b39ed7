import io
import json

import pyarrow.parquet as pq
from result_documents import HOSTILE, small_document

from featrank.render import parquet_file


def test_a_row_a_layer_and_the_document_in_the_metadata() -> None:
    document = small_document()
    document["target"]["name"] = "caf\udce9"
    table = pq.read_table(io.BytesIO(parquet_file.render(document)))
    assert table["requested"].to_pylist() == [*HOSTILE, "resnet50"]
    assert table["low"].to_pylist() == [1 / 3, 2 / 3, 1.0, 4 / 3, None]
    assert str(table.schema.field("rank").type) == "int64"
    read = json.loads(table.schema.metadata[parquet_file.METADATA_KEY])
    assert read.pop("checksum")
    assert read == document


def test_a_result_without_rows_has_the_same_columns() -> None:
    empty = small_document()
    empty["rows"] = []
    full = pq.read_table(io.BytesIO(parquet_file.render(small_document())))
    assert pq.read_table(io.BytesIO(parquet_file.render(empty))).schema.equals(full.schema)
