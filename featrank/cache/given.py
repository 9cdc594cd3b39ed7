"""Features that somebody else extracted: a .npz or a Parquet file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from featrank.cache.parts import GROUP, number_groups
from featrank.errors import InputError
from featrank.records import Features

SUFFIXES = (".npz", ".parquet")
_LABELS = ("class_name", "labels", "label")
_PROBS = "source_probs"


@dataclass(frozen=True, slots=True)
class _Arrays:
    """What a file holds, as it stands there."""

    features: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    probs: npt.NDArray[Any] | None
    groups: npt.NDArray[Any] | None


def read_features_file(path: Path) -> Features:
    """Features and labels of a file.

    A ``.npz`` has the arrays ``features`` ``(n_samples, n_features)`` and ``labels``; a Parquet has
    a list column ``features`` and a column ``class_name``, ``labels`` or ``label``. Either may have
    ``source_probs`` ``(n_samples, n_source)`` and ``group`` as well: what an image belongs to.

    Raises:
        InputError: No such file, or not such a file; nothing in it is executed.
    """
    if not path.is_file():
        raise InputError(f"no such file: {path}", "give a cache key, a .npz or a .parquet")
    try:
        read = _read_npz if path.suffix.lower() == ".npz" else _read_parquet
        found = read(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(
            f"cannot read {path}: {line}",
            "it needs features (one row an image) and labels (one entry an image)",
        ) from error
    features, labels, probs, groups = found.features, found.labels, found.probs, found.groups
    if labels.ndim != 1 or features.ndim != 2 or len(labels) != len(features):
        raise InputError(
            f"{path}: features {features.shape} and labels {labels.shape} do not belong together"
        )
    if probs is not None and (probs.ndim != 2 or len(probs) != len(labels)):
        raise InputError(f"{path}: source_probs {probs.shape} and labels {labels.shape} do not fit")
    if groups is not None and groups.shape != labels.shape:
        raise InputError(f"{path}: {GROUP} {groups.shape} and labels {labels.shape} do not fit")
    names, encoded = np.unique(labels, return_inverse=True)
    return Features(
        features,
        encoded.astype(np.int64),
        tuple(map(str, names.tolist())),
        probs,
        None if groups is None else number_groups(["" if g is None else str(g) for g in groups]),
    )


def _read_npz(path: Path) -> _Arrays:
    with np.load(path, allow_pickle=False) as arrays:
        missing = {"features", "labels"} - set(arrays.files)
        if missing:
            raise ValueError(f"no array '{min(missing)}' among {', '.join(arrays.files)}")
        probs, groups = [arrays[name] if name in arrays.files else None for name in (_PROBS, GROUP)]
        return _Arrays(arrays["features"], arrays["labels"], probs, groups)


def _read_parquet(path: Path) -> _Arrays:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(path, memory_map=True)
        names = source.schema_arrow.names
        label = next((name for name in _LABELS if name in names), None)
        if "features" not in names or label is None:
            raise ValueError(f"no column 'features' or '{_LABELS[1]}' among {', '.join(names)}")
        optional = [name for name in (_PROBS, GROUP) if name in names]
        table = source.read(["features", label, *optional])
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error
    return _Arrays(
        _matrix(table, "features"),
        table.column(label).to_numpy(),
        _matrix(table, _PROBS) if _PROBS in optional else None,
        table.column(GROUP).to_numpy() if GROUP in optional else None,
    )


def _matrix(table: Any, name: str) -> npt.NDArray[Any]:
    column = table.column(name).combine_chunks()
    values: npt.NDArray[Any] = column.flatten().to_numpy(zero_copy_only=False)
    if len(column) == 0 or len(values) % len(column):
        raise ValueError(f"the lists in '{name}' differ in length")
    return values.reshape(len(column), -1)
