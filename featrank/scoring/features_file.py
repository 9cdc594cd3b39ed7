"""Features that somebody else extracted: a .npz or a Parquet file."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from featrank.cache.parts import GROUP
from featrank.errors import InputError
from featrank.labelled.feature_source import ArraySource, FeatureBlocks
from featrank.labelled.labelled import as_discrete
from featrank.labelled.row_groups import join_groups
from featrank.records import Features, FloatArray, IntArray
from featrank.storage.named_files import no_file

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

SUFFIXES = (".npz", ".parquet")
_FEATURES, _LABELS = "features", ("class_name", "labels", "label")
_PROBS = "source_probs"
# The hashes of the images, as the cache exports them: `ids` in .npz, `id` in Parquet.
_IDS, _ID = "ids", "id"
_CONTENT = re.compile(r"[0-9a-f]{64}")

# Rows of a Parquet that are read together.
_BATCH_ROWS = 2048


@dataclass(frozen=True, slots=True)
class FeaturesFile:
    """A file that was looked at: its labels are in memory, its features perhaps not.

    Attributes:
        labels: ``(n_samples,)``, indices into ``class_names``.
        class_names: As text, sorted as they were.
        groups: ``(n_samples,)``: a number for each row's group; None where there are none.
        n_features: The width.
        probs: ``(n_samples, n_source)`` of the pre-training classes; None where there are none.
        read: Gives all features.
        blocks: Starts reading features and labels a piece at a time; None where they can only be
            read together.
    """

    labels: IntArray
    class_names: tuple[str, ...]
    groups: IntArray | None
    n_features: int
    probs: npt.NDArray[Any] | None
    read: Callable[[], npt.NDArray[Any]]
    blocks: FeatureBlocks | None = None

    def load(self) -> Features:
        """All of it."""
        return Features(self.read(), self.labels, self.class_names, self.probs, groups=self.groups)

    @property
    def source_probs(self) -> ArraySource | None:
        """The probabilities as features of their own."""
        if self.probs is None:
            return None
        return ArraySource(Features(self.probs, self.labels, self.class_names, groups=self.groups))


def open_features_file(path: Path) -> FeaturesFile:
    """Look at a file of features and labels.

    A ``.npz`` has the arrays ``features`` ``(n_samples, n_features)`` and ``labels``; a Parquet has
    a list column ``features`` and a column ``class_name``, ``labels`` or ``label``. Either may have
    ``source_probs`` ``(n_samples, n_source)`` and ``group`` as well: what an image belongs to.

    Raises:
        InputError: No such file, or not such a file; nothing in it is executed.
    """
    if reason := no_file(path):
        raise InputError(f"{reason}: {path}", "give a cache key, a .npz or a .parquet")
    try:
        return _open_npz(path) if path.suffix.lower() == ".npz" else _open_parquet(path)
    except MemoryError:
        raise
    # A damaged or foreign file trips NumPy, zipfile and pyarrow in ways that cannot be listed.
    except Exception as error:
        line = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise InputError(
            f"cannot read {path}: {line}",
            "it needs features (one row an image) and labels (one entry an image)",
        ) from error


def _open_npz(path: Path) -> FeaturesFile:
    if not zipfile.is_zipfile(path):
        raise ValueError("this is no .npz")
    with np.load(path, allow_pickle=False) as arrays:
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise ValueError("this is a single array, and no .npz")
        missing = [name for name in (_FEATURES, "labels") if name not in arrays.files]
        if missing:
            raise ValueError(f"no array '{missing[0]}' among {', '.join(arrays.files)}")
        found = {
            name: arrays[name]
            for name in (_FEATURES, "labels", _PROBS, GROUP, _IDS)
            if name in arrays.files
        }
    for name, array in found.items():
        if not isinstance(array, np.ndarray):
            raise ValueError(f"'{name}' is no array")
    features, labels = found[_FEATURES], found["labels"]
    if labels.ndim != 1 or features.ndim != 2 or len(labels) != len(features):
        raise ValueError(
            f"features {features.shape} and labels {labels.shape} do not belong together"
        )
    groups = found.get(GROUP)
    return _file(
        labels,
        None if groups is None else groups.tolist(),
        features.shape[1],
        found.get(_PROBS),
        lambda: features,
        ids=None if _IDS not in found else found[_IDS].tolist(),
    )


def _open_parquet(path: Path) -> FeaturesFile:
    import pyarrow.parquet as pq

    source = pq.ParquetFile(path, pre_buffer=False)
    names = source.schema_arrow.names
    label = next((name for name in _LABELS if name in names), None)
    if _FEATURES not in names:
        raise ValueError(f"no column '{_FEATURES}' among {', '.join(names)}")
    if label is None:
        raise ValueError(f"no column {', '.join(map(repr, _LABELS))} among {', '.join(names)}")
    if not source.metadata.num_rows:
        raise ValueError("it has no rows")
    width = _width(source, _FEATURES)
    labels = _values(source.read([label]).column(label))

    def read() -> npt.NDArray[Any]:
        return np.concatenate(list(_matrices(path, _FEATURES, width)))

    result = _file(
        labels,
        source.read([GROUP]).column(GROUP).to_pylist() if GROUP in names else None,
        width,
        np.concatenate(list(_matrices(path, _PROBS, _width(source, _PROBS))))
        if _PROBS in names
        else None,
        read,
        ids=source.read([_ID]).column(_ID).to_pylist() if _ID in names else None,
    )

    def blocks() -> Iterator[tuple[FloatArray, IntArray]]:
        first = 0
        for features in _matrices(path, _FEATURES, width):
            yield features, result.labels[first : first + len(features)]
            first += len(features)

    return replace(result, blocks=blocks)


def _file(
    labels: npt.NDArray[Any],
    groups: list[Any] | None,
    n_features: int,
    probs: npt.NDArray[Any] | None,
    read: Callable[[], npt.NDArray[Any]],
    *,
    ids: list[Any] | None,
) -> FeaturesFile:
    if probs is not None and (probs.ndim != 2 or len(probs) != len(labels)):
        raise ValueError(f"{_PROBS} {probs.shape} and labels {labels.shape} do not fit")
    if groups is not None and len(groups) != len(labels):
        raise ValueError(f"{len(groups)} entries of {GROUP} and {len(labels)} labels do not fit")
    classes, encoded = np.unique(as_discrete(labels), return_inverse=True)
    return FeaturesFile(
        encoded.astype(np.int64),
        tuple(map(str, classes.tolist())),
        join_groups(
            ids if ids is not None and _are_contents(ids, len(labels)) else None,
            None if groups is None else [_group(value) for value in groups],
        ),
        n_features,
        probs,
        read,
    )


def _are_contents(ids: list[Any], n_rows: int) -> bool:
    """Whether ids are hashes of contents, as an exported cache has them, and not somebody's own."""
    return len(ids) == n_rows and all(
        isinstance(value, str) and _CONTENT.fullmatch(value) for value in ids
    )


def _group(value: object) -> str:
    """A group's name; nothing where there is none, so that the row stands alone."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return "" if missing else str(value)


def _values(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column of labels, none missing."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if column.null_count:
        row = column.is_null().to_pylist().index(True)
        raise ValueError(f"row {row} has no label ({column.null_count} have none)")
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return np.array(column.to_pylist(), dtype=np.str_)
    values: npt.NDArray[Any] = column.to_numpy()
    return values


def _width(source: pq.ParquetFile, name: str) -> int:
    """How long the lists of a column are; every one of them is looked at."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = source.schema_arrow.field(name).type
    if not (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    ):
        raise ValueError(f"column '{name}' must hold lists of numbers, not {kind}")
    if not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise ValueError(f"column '{name}' must hold lists of numbers, not {kind}")
    width, first = None, 0
    for batch in source.iter_batches(_BATCH_ROWS, columns=[name]):
        lengths = pc.list_value_length(batch.column(0)).to_pylist()
        for row, length in enumerate(lengths, first):
            if length is None:
                raise ValueError(f"row {row} has no '{name}'")
            width = length if width is None else width
            if length != width:
                raise ValueError(
                    f"the lists in '{name}' differ in length: {width} in row 0, {length} in row"
                    f" {row}"
                )
        first += len(lengths)
    return int(width or 0)


def _matrices(path: Path, name: str, width: int) -> Iterator[npt.NDArray[Any]]:
    """A column's lists as matrices, some rows at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as source:
        for batch in source.iter_batches(_BATCH_ROWS, columns=[name]):
            values = batch.column(0).flatten().to_numpy(zero_copy_only=False)
            yield values.reshape(len(batch), width)
