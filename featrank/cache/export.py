"""A cached layer as one file for other tools."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from featrank.cache.parts import GROUP
from featrank.cache.store import FeatureStore, Layer
from featrank.errors import InputError
from featrank.storage.atomic import atomic_path
from featrank.storage.named_files import refuse_special


def export_layer(store: FeatureStore, layer: Layer, path: Path) -> None:
    """Write a layer to ``path``; the suffix picks the format.

    ``.npz`` holds the arrays features, labels (class names), ids and paths, and group where the
    target has groups; ``.parquet`` is the parts as one file.

    Raises:
        InputError: Another suffix.
        IncompleteError: The layer is damaged.
        OSError: The path cannot be written.
    """
    try:
        write = _WRITERS[path.suffix.lower()]
    except KeyError:
        raise InputError(
            f"cannot export to '{path.name}'", f"name a file that ends in {' or '.join(_WRITERS)}"
        ) from None
    refuse_special(path)
    with atomic_path(path) as temporary:
        write(store, layer, temporary)


def _write_npz(store: FeatureStore, layer: Layer, path: Path) -> None:
    import pyarrow.parquet as pq

    features = store.read(layer)
    parts = [layer.directory / part.file for part in layer.manifest.parts]
    columns: dict[str, list[str]] = {"id": [], "path": []}
    if GROUP in pq.read_schema(parts[0]).names:
        columns[GROUP] = []
    for part in parts:
        table = pq.ParquetFile(part).read(list(columns))
        for name in columns:
            columns[name] += table.column(name).to_pylist()
    arrays: dict[str, Any] = {
        "features": features.features,
        "labels": np.asarray(features.class_names)[features.labels],
        "ids": np.asarray(columns.pop("id")),
        "paths": np.asarray(columns.pop("path")),
        **{name: np.asarray(values) for name, values in columns.items()},
    }
    with path.open("wb") as stream:
        np.savez(stream, **arrays)


def _write_parquet(store: FeatureStore, layer: Layer, path: Path) -> None:
    import pyarrow.parquet as pq

    parts = [layer.directory / part.file for part in layer.manifest.parts]
    schema = pq.read_schema(parts[0]).remove_metadata()
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=["class_name"]) as out:
        for part in parts:
            out.write_table(pq.ParquetFile(part).read().replace_schema_metadata(None))


_WRITERS: dict[str, Callable[[FeatureStore, Layer, Path], None]] = {
    ".npz": _write_npz,
    ".parquet": _write_parquet,
}
