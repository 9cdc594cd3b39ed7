"""Parquet files: images as bytes, as hubs publish them, or a manifest of paths.

A column of images is ``binary``, or the ``struct`` of bytes and path that the datasets library
writes; that library's class names, kept in the file's metadata, turn numbers into names.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.storage.temporary import TemporaryFolder
from featrank.targets._arrow_tables import open_table
from featrank.targets._columns import (
    split_of,
)
from featrank.targets._file_names import printable
from featrank.targets._file_patterns import expand_files
from featrank.targets._folder_layout import holds_class_folders
from featrank.targets._plugin_formats import HEAD_BYTES
from featrank.targets._pointers import refuse_pointer
from featrank.targets._reach import refuse_unreachable
from featrank.targets._schema_columns import SchemaColumns, find_schema_columns
from featrank.targets._selection import canonical
from featrank.targets._several_labels import SeveralLabels
from featrank.targets._spans import MAX_ENCODED_BYTES, Span, SpanReader
from featrank.targets._splits import choose_split, split_files
from featrank.targets._survey import is_plain
from featrank.targets._target import NO_LABEL, Access, Sample, Target
from featrank.targets.manifest import Row, open_listed

_ROWS_AT_ONCE = 64
# The label of a row whose image is left out for having several.
LEFT_OUT = "\0"


@dataclass
class _Listing:
    """What the files of one split hold.

    Attributes:
        spool: The file that the images are copied to before they are read.
        samples: Labelled images.
        skipped: Rows without an image or a label.
        spans: Where each content lies in the spool.
        n_bytes: How long the spool is.
        heads: First bytes of the images that may hold more than 8 bits a sample.
        splits: The splits there are, by column.
    """

    spool: Path
    samples: list[Sample] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    n_bytes: int = 0
    heads: dict[str, bytes] = field(default_factory=dict)

    def add(self, row: Row, data: object) -> None:
        """One row with its encoded image."""
        if not isinstance(data, bytes) or not data:
            self.skipped.append(Skipped(row.path, "no image"))
        elif not row.label:
            self.skipped.append(Skipped(row.path, NO_LABEL))
        elif len(data) > MAX_ENCODED_BYTES:
            self.skipped.append(Skipped(row.path, f"oversized: {len(data):,} bytes"))
        else:
            digest = hashlib.sha256(data).hexdigest()
            if digest not in self.spans:
                self.spans[digest] = Span(self.spool, self.n_bytes, len(data))
                self.n_bytes += len(data)
                if not is_plain(data[:HEAD_BYTES]):
                    self.heads[digest] = data[:HEAD_BYTES]
            self.samples.append(Sample(row.path, row.label, digest, row.group))


def _read(
    file: Path, spec: str, access: Access, several: SeveralLabels | None = None
) -> Iterator[tuple[Row, object]]:
    """The rows of a file with their images, a few in memory at a time.

    Raises:
        InputError: It cannot be read, or lacks a column.
    """
    import pyarrow

    number = 0
    try:
        with open_table(file) as table:
            columns = find_schema_columns(table.schema, spec, access)
            several = several or SeveralLabels(spec, "first")
            for batch in table.batches(columns.wanted, _ROWS_AT_ONCE):
                for line in batch.to_pylist():
                    number += 1
                    yield _row(file, number, line, columns, several)
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError):
            refuse_unreachable(printable(str(file)), error)
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"cannot read '{printable(str(file))}': {reason}") from error


def _row(
    file: Path,
    number: int,
    line: Mapping[str, Any],
    columns: SchemaColumns,
    several: SeveralLabels,
) -> tuple[Row, object]:
    path = f"{printable(file.name)}/{number}" if columns.path is None else line[columns.path] or ""
    data = None if columns.image is None else line[columns.image]
    values = line[columns.label]
    labels = values if isinstance(values, list) else [values]
    named = [printable(_class_of(label, columns.class_names)) for label in labels]
    chosen = several.choose(printable(path), named)
    return (
        Row(
            number,
            path,
            LEFT_OUT if chosen is None else chosen,
            "" if columns.split is None else split_of(_text(line[columns.split]), columns.split),
            "" if columns.group is None else _text(line[columns.group]),
        ),
        data.get("bytes") if isinstance(data, dict) else data,
    )


def _class_of(label: object, class_names: Sequence[str]) -> str:
    """The class that a value stands for; empty where it stands for none.

    NaN is no label, and neither is -1 where numbers stand for names, as the datasets library has
    it. A number is the same class whether it is kept as an integer or not.
    """
    if isinstance(label, float):
        if math.isnan(label):
            return ""
        label = int(label) if label.is_integer() else label
    if class_names and isinstance(label, int) and not isinstance(label, bool):
        if label == -1:
            return ""
        if 0 <= label < len(class_names):
            return class_names[label]
    return _text(label)


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _columns_of(file: Path, spec: str, access: Access) -> SchemaColumns:
    import pyarrow

    refuse_pointer(file)
    try:
        with open_table(file) as table:
            return find_schema_columns(table.schema, spec, access)
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError):
            refuse_unreachable(printable(str(file)), error)
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"cannot read '{printable(str(file))}': {reason}") from error


def _splits_by_column(files: Sequence[Path], column: str) -> tuple[str, ...]:
    found: set[str] = set()
    for file in files:
        with open_table(file) as table:
            for batch in table.batches([column]):
                values = batch.column(0).unique().to_pylist()
                found |= {split_of(_text(value), column) for value in values} - {""}
    return tuple(sorted(found))


@dataclass(frozen=True)
class Parquet:
    """``--dataset FILE.parquet``, or several with wildcards."""

    name: str = "parquet"
    reads: str = "a .parquet file of images or paths"
    takes_columns: bool = True

    def accepts(self, spec: str) -> bool:
        """By the suffix; or a folder with such files and no class folders."""
        path = Path(spec).expanduser()
        if path.is_dir():
            return bool(_tables_in(path)) and not holds_class_folders(path)
        return path.suffix.lower() == ".parquet"

    def open(self, spec: str, access: Access) -> Target:
        """Hash the images of one split, or the files that a table of paths names.

        Raises:
            InputError: No such file, no label, no image, or a path that leads out of the root.
        """
        path = Path(spec).expanduser()
        files = _tables_in(path) if path.is_dir() else expand_files(spec)
        return open_tables(printable(spec), files, access)


def _tables_in(folder: Path) -> list[Path]:
    """The files of a folder as hubs publish them, in it or in its folder ``data``."""
    return sorted(folder.glob("*.parquet")) or sorted(folder.glob("data/*.parquet"))


def open_tables(shown: str, files: list[Path], access: Access) -> Target:
    """The target of tables of images, or of one table of paths, in Parquet or Arrow.

    Args:
        shown: What the user typed, for messages.
        files: The tables.
        access: What else the user asked for.

    Raises:
        InputError: No label, no image, a table is damaged, or a path leads out of the root.
    """
    columns = _columns_of(files[0], shown, access)
    several = SeveralLabels(shown, access.multi_label)
    if columns.image is None:
        if len(files) > 1:
            raise InputError(f"'{shown}' are several tables of paths", "give one of them")
        rows = [row for row, _ in _read(files[0], shown, access, several) if row.label != LEFT_OUT]
        base = files[0].absolute().parent
        has_split = columns.split is not None
        target = open_listed(shown, rows, base, access, has_split=has_split)
    else:
        target = _open_images(shown, files, columns, access, several)
    several.refuse()
    return replace(
        target,
        skipped=(*target.skipped, *several.skipped),
        warnings=(*target.warnings, *columns.warnings, *several.warnings()),
    )


def _open_images(
    spec: str, files: list[Path], columns: SchemaColumns, access: Access, several: SeveralLabels
) -> Target:
    splits: tuple[str, ...] = ()
    if columns.split is not None:
        splits = _splits_by_column(files, columns.split)
        split = choose_split(spec, splits, access.split)
    else:
        split, files = split_files(spec, files, access.split)
    folder = TemporaryFolder()
    listing = _Listing(folder.path / "images")
    for file in files:
        for row, data in _read(file, spec, access, several):
            if row.label != LEFT_OUT and (not splits or row.split == split):
                listing.add(row, data)
    return Target(
        spec,
        split,
        canonical(listing.samples),
        SpanReader(listing.spans, listing.heads),
        tuple(listing.skipped),
        splits,
        prepare=_Spool(folder, files, spec, access, listing.spans).fill,
    )


@dataclass(frozen=True)
class _Spool:
    """A temporary copy of the images, for rows cannot be read one by one out of compressed pages.

    It lasts as long as the target. A run from the cache never fills it.

    Attributes:
        folder: Where it is.
        files: The Parquet files.
        spec: The target, for messages.
        access: What else the user asked for.
        spans: Where each content belongs, by its digest.
    """

    folder: TemporaryFolder
    files: Sequence[Path]
    spec: str
    access: Access
    spans: Mapping[str, Span]

    def fill(self, samples: Sequence[Sample]) -> None:
        """Copy the images of these samples.

        Raises:
            InputError: A file cannot be read any more.
        """
        missing = {sample.digest for sample in samples}
        if not missing:
            return
        with (self.folder.path / "images").open("ab") as made:
            pass
        with Path(made.name).open("r+b") as stream:
            for file in self.files:
                for _, data in _read(file, self.spec, self.access):
                    digest = hashlib.sha256(data).hexdigest() if isinstance(data, bytes) else ""
                    if isinstance(data, bytes) and digest in missing:
                        missing.remove(digest)
                        stream.seek(self.spans[digest].offset)
                        stream.write(data)


TARGET = Parquet()
