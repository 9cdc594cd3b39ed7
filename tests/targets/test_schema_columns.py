from __future__ import annotations

import json

import pyarrow as pa
import pytest

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access
from featrank.targets._schema_columns import SchemaColumns, find_schema_columns

NAMES = {"info": {"features": {"label": {"names": ["cat", "dog"]}}}}
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def found(schema: pa.Schema, **asked: object) -> SchemaColumns:
    return find_schema_columns(schema, "a.parquet", Access(FileHashes(), **asked))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), IMAGE])
def test_images_by_their_type(kind: pa.DataType) -> None:
    columns = found(pa.schema([("photo", kind), ("label", pa.int64()), ("path", pa.string())]))
    assert (columns.image, columns.path, columns.label) == ("photo", None, "label")
    assert columns.wanted == ["photo", "label"]


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
)
def test_paths_by_their_type(kind: pa.DataType) -> None:
    schema = pa.schema([("photo", kind), ("label", pa.string())])
    assert found(schema, path_column="photo").path == "photo"
    with pytest.raises(InputError, match="no column 'path'"):
        found(schema)
    numbers = pa.schema([("path", pa.int64()), ("label", pa.string())])
    with pytest.raises(InputError, match="holds int64, no paths"):
        found(numbers)


def test_names_of_classes_that_the_schema_keeps() -> None:
    metadata = {"huggingface": json.dumps(NAMES)}
    schema = pa.schema([("image", IMAGE), ("label", pa.int64())], metadata=metadata)
    assert found(schema).class_names == ("cat", "dog")
    damaged = schema.with_metadata({"huggingface": "{"})
    assert found(damaged).class_names == ()


def test_what_is_lacking_is_named_with_types() -> None:
    schema = pa.schema([("image", IMAGE), ("breed", pa.int8())])
    with pytest.raises(InputError, match=r"image \(struct<.*>\), breed \(int8\)") as caught:
        found(schema)
    assert "--label-column" in caught.value.hint
    with pytest.raises(InputError, match="of which one column tells the class"):
        found(schema, label_columns=("breed",))
