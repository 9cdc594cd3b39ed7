"""The Parquet parts of a layer: numbered by their first row, named by their content.

A part's name ends in the start of its own SHA-256, so a part can be checked without a manifest,
and an interrupted extraction goes on from whatever whole parts it finds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from featrank.cache.manifest import Part
from featrank.cache.part_names import PART_NAME
from featrank.labelled.row_groups import join_groups
from featrank.records import FloatArray, IntArray, Skipped
from featrank.storage.atomic import atomic_path
from featrank.storage.contained import ClaimError, open_file, regular_file
from featrank.storage.kept_json import parse_json, typed

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_METADATA = b"featrank"
_READERS = 4

# The column of what images belong to, in parts and in files of features.
GROUP = "group"
_ONE_PAGE = 2**30


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one part, before they are written.

    Attributes:
        start: First row of the target that the part covers.
        stop: One past the last row that it covers; skipped rows are covered too.
        digests: Content hash of each image.
        paths: Path of each image inside the target.
        labels: Class index of each image.
        features: ``(n_rows, n_features)`` float32.
        skipped: What could not be decoded between start and stop.
        groups: What each image belongs to; None where the target has no groups.
    """

    start: int
    stop: int
    digests: Sequence[str]
    paths: Sequence[str]
    labels: Sequence[int]
    features: FloatArray
    skipped: Sequence[Skipped]
    groups: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class PartFile:
    """A part on disk with what its metadata says; its checksum was right when it was opened."""

    part: Part
    start: int
    stop: int
    skipped: tuple[Skipped, ...]
    facts: dict[str, Any]


def write_part(
    directory: Path, rows: Rows, facts: dict[str, Any], data: bytes | None = None
) -> PartFile:
    """Write one part atomically.

    Args:
        directory: The layer's directory.
        rows: What to write.
        facts: What identifies the layer, its ``class_names`` among it; stored whole in the
            Parquet metadata.
        data: The file's bytes, where the rows are encoded already.

    Raises:
        OSError: No room or no permission.
    """
    data = encode_part(rows, facts) if data is None else data
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"part-{rows.start:09d}.{sha256[:16]}.parquet"
    with atomic_path(directory / name) as temporary:
        temporary.write_bytes(data)
    part = Part(
        name, len(rows.digests), len(data), sha256, _values_at(data, rows.features.tobytes())
    )
    whole = {**facts, "n_features": rows.features.shape[1]}
    return PartFile(part, rows.start, rows.stop, tuple(rows.skipped), whole)


def encode_part(rows: Rows, facts: dict[str, Any]) -> bytes:
    """The bytes of a part's file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    width = rows.features.shape[1]
    values = pa.array(np.ascontiguousarray(rows.features, dtype=np.float32).ravel())
    element = pa.field("element", pa.float32(), nullable=False)
    metadata = {
        **facts,
        "n_features": width,
        "start": rows.start,
        "stop": rows.stop,
        "skipped": [[skip.path, skip.reason] for skip in rows.skipped],
    }
    names = facts["class_names"]
    columns = {
        "id": pa.array(rows.digests, pa.string()),
        "path": pa.array(rows.paths, pa.string()),
        "label": pa.array(rows.labels, pa.int32()),
        "class_name": pa.array([names[label] for label in rows.labels], pa.string()),
    }
    if rows.groups is not None:
        columns[GROUP] = pa.array(rows.groups, pa.string())
    columns["features"] = pa.FixedSizeListArray.from_arrays(values, type=pa.list_(element, width))
    schema = pa.schema(
        [pa.field(name, column.type, nullable=False) for name, column in columns.items()],
        metadata={_METADATA: json.dumps(metadata)},
    )
    sink = pa.BufferOutputStream()
    # Features do not compress, and plain pages are what a reader can take over fastest.
    pq.write_table(
        pa.Table.from_arrays(list(columns.values()), schema=schema),
        sink,
        compression="none",
        use_dictionary=["class_name"],
        write_statistics=False,
        # One page and one row group a part: see _values_at.
        data_page_size=_ONE_PAGE,
        row_group_size=max(len(rows.digests), 1),
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _values_at(data: bytes, values: bytes) -> int:
    """Where a part's file holds its features as plain bytes.

    The last column is one uncompressed page, which ends in its values. Reading them from there
    costs no more than ``numpy.load``; decoding the lists' levels takes several times as long.

    Raises:
        ValueError: They are not there: a Parquet library of another mind.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    footer = pq.read_metadata(pa.BufferReader(data))
    if footer.num_rows == 0:
        return 0
    column = footer.row_group(0).column(footer.num_columns - 1)
    stop = column.data_page_offset + column.total_compressed_size
    if data[stop - len(values) : stop] != values:
        raise ValueError("the features do not stand as one block")
    return int(stop - len(values))


@dataclass(frozen=True, slots=True)
class Footer:
    """What a part's file says of itself; claims that fit its size.

    Attributes:
        rows: Images that have features in it.
        width: Of the features.
        values_at: Where they stand as one block.
        start: First row of the target that it covers.
        stop: One past the last.
        skipped: What could not be decoded between them.
        facts: What identifies the layer.
    """

    rows: int
    width: int
    values_at: int
    start: int
    stop: int
    skipped: tuple[Skipped, ...]
    facts: dict[str, Any]


def read_footer(path: Path) -> Footer:
    """What a part's file says of itself, without its rows.

    Raises:
        ClaimError: It is no part, or what it says cannot be.
        OSError: It cannot be read.
    """
    size = regular_file(path.parent, path).st_size
    with _claims(), _opened(path) as source:
        return _footer(source, size)


def _footer(source: pq.ParquetFile, size: int) -> Footer:
    metadata, schema = source.metadata, source.schema_arrow
    facts = parse_json(metadata.metadata[_METADATA])
    skipped = tuple(Skipped(*map(_text, entry)) for entry in facts.pop("skipped"))
    start, stop = typed(facts.pop("start"), int), typed(facts.pop("stop"), int)
    width, rows = schema.field("features").type.list_size, metadata.num_rows
    if not 0 <= start <= stop or rows != stop - start - len(skipped):
        raise ClaimError(f"{rows} rows where {stop - start - len(skipped)} belong")
    if facts.get("n_features") != width or rows * width * 4 > size:
        raise ClaimError(f"{rows} rows of {width} do not fit")
    return Footer(rows, width, _block(metadata, width, size), start, stop, skipped, facts)


def _block(metadata: pq.FileMetaData, width: int, size: int) -> int:
    """Where the features stand as plain bytes: they end the last column's only page."""
    if metadata.num_rows == 0:
        return 0
    column = metadata.row_group(0).column(metadata.num_columns - 1)
    stop = column.data_page_offset + column.total_compressed_size
    at = stop - metadata.num_rows * width * 4
    plain = column.compression == "UNCOMPRESSED" and "PLAIN" in column.encodings
    ours = metadata.num_row_groups == 1 and column.path_in_schema.split(".")[0] == "features"
    if not (plain and ours and column.data_page_offset <= at and stop <= size):
        raise ClaimError("the features do not stand as one block")
    return int(at)


def open_part(path: Path, sha256: str) -> PartFile:
    """What a part's metadata says, after a look at every one of its numbers.

    Args:
        path: The file.
        sha256: Its checksum, as just computed or remembered.

    Raises:
        ClaimError: Not a whole part: the name belies the content, or the metadata is not ours.
        OSError: It cannot be read.
    """
    match = PART_NAME.fullmatch(path.name)
    if match is None or not sha256.startswith(match[2]):
        raise ClaimError("checksum differs")
    footer = read_footer(path)
    with open_file(path.parent, path) as stream:
        data = stream.read()
    with _claims():
        with _opened(path) as source:
            column = source.read(["features"]).column("features")
        values = column.combine_chunks().flatten().to_numpy().tobytes()
        at = _values_at(data, values)
    part = Part(path.name, footer.rows, len(data), sha256, at)
    return PartFile(part, footer.start, footer.stop, footer.skipped, footer.facts)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    import pyarrow.parquet as pq

    # Not pq.read_table: it imports pandas where that is installed, which takes a second.
    with pq.ParquetFile(path) as source:
        yield source


@contextmanager
def _claims() -> Iterator[None]:
    """A foreign file trips pyarrow in ways that cannot be listed: each means that it is no part."""
    try:
        yield
    except ClaimError:
        raise
    except OSError as error:
        if error.errno is None:
            raise ClaimError(f"not a part of this cache ({type(error).__name__})") from error
        raise
    except Exception as error:
        raise ClaimError(f"not a part of this cache ({type(error).__name__})") from error


def _text(value: object) -> str:
    return typed(value, str)


def read_features(
    directory: Path, parts: Sequence[Part], width: int
) -> tuple[FloatArray, IntArray]:
    """Features and labels of a layer.

    The features are read part by part into one array, so no second copy of them exists.

    Returns:
        ``(n_rows, n_features)`` float32 and ``(n_rows,)`` int labels.

    Raises:
        OSError: A part cannot be read.
        ValueError: A part does not hold what the manifest says.
    """
    total = sum(part.rows for part in parts)
    features = np.empty((total, width), np.float32)
    labels = np.empty(total, np.int64)
    starts = np.concatenate([[0], np.cumsum([part.rows for part in parts])]).astype(int)

    def fill(part: Part, start: int) -> None:
        rows = slice(start, start + part.rows)
        labels[rows] = _read_into(directory / part.file, part, features[rows])

    with ThreadPoolExecutor(_READERS) as pool:
        list(pool.map(fill, parts, starts[:-1].tolist()))
    return features, labels


def read_blocks(
    directory: Path, parts: Iterable[Part], width: int
) -> Iterator[tuple[FloatArray, IntArray]]:
    """Features and labels of a layer, a part at a time, in the order of the rows.

    Raises:
        OSError: A part cannot be read.
        ValueError: A part does not hold what the manifest says.
    """
    for part in parts:
        if part.rows:
            features = np.empty((part.rows, width), np.float32)
            yield features, _read_into(directory / part.file, part, features)


def _read_into(path: Path, part: Part, features: FloatArray) -> IntArray:
    """Read a part's features into an array of their shape; its labels."""
    if part.rows == 0:
        return np.empty(0, np.int64)
    with open_file(path.parent, path) as stream, _claims(), _opened(path) as source:
        footer = _footer(source, part.bytes)
        if (footer.rows, footer.width) != features.shape:
            raise ClaimError(f"{part.file}: {footer.rows} rows of {footer.width}")
        if footer.values_at != part.values_at:
            raise ClaimError(f"{part.file}: its features are elsewhere")
        stream.seek(part.values_at)
        if stream.readinto(features.data.cast("B")) != features.nbytes:
            raise ClaimError(f"{part.file}: ends early")
        table = source.read(["label"], use_threads=False)
        labels: IntArray = table.column("label").to_numpy()
        if len(labels) and labels.min() < 0:
            raise ClaimError(f"{part.file}: a label below 0")
    return labels


def read_groups(directory: Path, parts: Iterable[Part]) -> IntArray | None:
    """``(n_rows,)``: a number for each row's group, of its own where the row stands alone.

    Copies of one image are a group, whether the target has groups or not. None where every row
    stands alone.

    Raises:
        OSError: A part cannot be read.
    """
    ids: list[str] = []
    names: list[str] = []
    has_names = True
    for part in parts:
        regular_file(directory, directory / part.file)
        with _claims(), _opened(directory / part.file) as source:
            has_names = has_names and GROUP in source.schema_arrow.names
            table = source.read(["id", *([GROUP] if has_names else [])])
            ids += table.column("id").to_pylist()
            names += table.column(GROUP).to_pylist() if has_names else []
    return join_groups(ids, names if has_names else None)


def class_counts(
    directory: Path, parts: Iterable[Part], class_names: Sequence[str]
) -> dict[str, int]:
    """Images of each class that has any.

    Raises:
        ClaimError: A label names no class.
        OSError: A part cannot be read.
    """
    counts = np.zeros(len(class_names), np.int64)
    for part in parts:
        regular_file(directory, directory / part.file)
        with _claims(), _opened(directory / part.file) as source:
            labels = source.read(["label"]).column("label").to_numpy()
            counts += np.bincount(labels, minlength=len(class_names))
    return {name: int(n) for name, n in zip(class_names, counts, strict=True) if n}
