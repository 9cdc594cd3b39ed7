"""Where a table in Parquet or Arrow keeps images, paths and labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from featrank.errors import InputError
from featrank.targets._columns import find_columns, find_optional
from featrank.targets._file_names import printable
from featrank.targets._target import Access

_IMAGE_COLUMNS = ("image", "img", "bytes", "image_bytes", "data", "jpg", "png")


@dataclass(frozen=True, slots=True)
class SchemaColumns:
    """Where a file keeps what, and what its numbers mean."""

    image: str | None
    path: str | None
    label: str
    split: str | None
    group: str | None
    class_names: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    @property
    def wanted(self) -> list[str]:
        names = (self.image, self.path, self.label, self.split, self.group)
        return [name for name in names if name is not None]


def find_schema_columns(schema: Any, spec: str, access: Access) -> SchemaColumns:
    """Where a file keeps what, by its schema.

    Raises:
        InputError: There is no label, or neither image nor path.
    """
    from pyarrow import types

    names = schema.names
    kinds = {name: schema.field(name).type for name in names}
    holds_bytes = [
        name
        for name, kind in kinds.items()
        if types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or (types.is_struct(kind) and kind.get_field_index("bytes") >= 0)
    ]
    image = find_optional(holds_bytes, _IMAGE_COLUMNS)
    if image is None and len(holds_bytes) == 1:
        image = holds_bytes[0]
    if access.path_column is not None:
        image = None
    try:
        if image is None:
            columns = find_columns(names, spec, access)
        else:  # the path, if any, is that of an image which is in the table
            columns = find_columns(names, spec, replace(access, path_column=image))
    except InputError as error:
        shown = ", ".join(f"{printable(name)} ({kinds[name]})" for name in names)
        raise InputError(
            f"{error.message.partition('; it has')[0]}; it has: {shown}", error.hint
        ) from None
    if columns.one_hot or columns.label is None:
        raise InputError(
            f"--label-columns: '{spec}' is Parquet, of which one column tells the class",
            "name it: --label-column NAME; or save the table as .csv",
        )
    path = columns.path if image is None else None
    if path is not None and not _is_text(kinds[path]):
        raise InputError(
            f"the column '{printable(path)}' of '{spec}' holds {kinds[path]}, no paths",
            "say which it is: --path-column NAME",
        )
    metadata = schema.metadata or {}
    return SchemaColumns(
        image,
        path,
        columns.label,
        columns.split,
        columns.group,
        _class_names(metadata, columns.label),
        columns.warnings(),
    )


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _class_names(metadata: Mapping[bytes, bytes], label: str) -> tuple[str, ...]:
    """The names that the datasets library stores for the numbers of a column."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return tuple(map(str, features[label]["names"]))
    except (ValueError, KeyError, TypeError):
        return ()
