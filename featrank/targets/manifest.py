"""A table of files and labels: ``train.csv`` with the columns ``path`` and ``label``.

Optional columns are ``split`` and ``group``. Relative paths start at the table's own folder; no
path may leave the root, which is that folder unless ``--root`` names another.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.registry import did_you_mean
from featrank.targets._file_names import printable
from featrank.targets._reach import hash_listed, refuse_unreachable
from featrank.targets._selection import canonical
from featrank.targets._splits import choose_split
from featrank.targets._target import NO_LABEL, Access, Sample, Target
from featrank.targets.image_folder import FolderReader

# A table of another form, with a kind of its own.
_ROBOFLOW = "_classes.csv"
_SEPARATORS = {".csv": ",", ".tsv": "\t"}

# The names that a column goes by, the usual one first.
PATH_COLUMNS = ("path", "file", "file_name", "filename", "filepath", "image_path", "image")
LABEL_COLUMNS = ("label", "class", "class_name", "category", "target", "labels", "fine_label", "y")
SPLIT_COLUMNS = ("split", "subset", "partition")
GROUP_COLUMNS = ("group", "group_id")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; what is not said is empty.

    Attributes:
        number: Its place, from 1.
        path: The file, as written.
        label: Its class.
        split: Its split.
        group: What it belongs to, such as a patient.
    """

    number: int
    path: str
    label: str
    split: str = ""
    group: str = ""


def find_column(names: Sequence[str], known: Sequence[str], table: str) -> str:
    """The column that is meant, whatever its case.

    Raises:
        InputError: There is none.
    """
    if (name := find_optional(names, known)) is not None:
        return name
    listing = ", ".join(map(printable, names)) or "none"
    raise InputError(
        f"'{table}' has no column '{known[0]}'; it has: {listing}",
        did_you_mean(known[0], names, f"name it {' or '.join(known[:3])}"),
    )


def find_optional(names: Sequence[str], known: Sequence[str]) -> str | None:
    """As :func:`find_column`; None where there is none."""
    lowered = {name.strip().lower(): name for name in reversed(names)}
    return next((lowered[name] for name in known if name in lowered), None)


def open_listed(
    spec: str, rows: Iterable[Row], base: Path, access: Access, *, has_split: bool
) -> Target:
    """The target that a table of paths describes.

    Args:
        spec: The table, for messages.
        rows: Its lines.
        base: The folder that relative paths start at.
        access: What else the user asked for.
        has_split: Whether the table has a column for the split.

    Raises:
        InputError: A path leaves the root; nothing of the table is read then.
    """
    root = (access.root or base).expanduser().resolve()
    if not root.is_dir():
        raise InputError(f"--root: no such folder: '{printable(str(root))}'")
    rows = list(rows)
    files = {row: _inside(row, base, root, spec) for row in rows if row.path}
    splits = tuple(sorted({row.split for row in rows if row.split})) if has_split else ()
    split = choose_split(spec, splits, access.split)
    wanted = [row for row in rows if not splits or row.split in (split, "")]
    skipped, usable = _usable(wanted, files, root, has_split=has_split)
    hashed = hash_listed(access.hashes, dict.fromkeys(usable.values()))
    samples: list[Sample] = []
    renamed: dict[str, str] = {}
    seen: set[tuple[Path, str]] = set()
    for row, file in usable.items():
        # Several people may have labelled it: what they agree on is one image.
        if (file, row.label) in seen:
            continue
        seen.add((file, row.label))
        digest = hashed[file]
        name = file.relative_to(root).as_posix()
        path = printable(name)
        if isinstance(digest, OSError):
            refuse_unreachable(path, digest, root)
            skipped.append(Skipped(path, f"cannot be read: {digest.strerror}"))
            continue
        samples.append(Sample(path, row.label, digest, row.group))
        if path != name:
            renamed[path] = name
    return Target(
        spec, split, canonical(samples), FolderReader(root, renamed), tuple(skipped), splits
    )


def _usable(
    rows: Iterable[Row], files: Mapping[Row, Path], root: Path, *, has_split: bool
) -> tuple[list[Skipped], dict[Row, Path]]:
    """The rows that say all that is needed of a file that is there; and the others."""
    skipped: list[Skipped] = []
    usable: dict[Row, Path] = {}
    for row in rows:
        reason = "no path" if not row.path else NO_LABEL if not row.label else ""
        if has_split and not row.split:
            reason = reason or "no split"
        file = files.get(row)
        if file is not None and not reason:
            reason = _problem(file, root)
        if reason or file is None:
            skipped.append(Skipped(printable(row.path) or f"row {row.number}", reason))
        else:
            usable[row] = file
    return skipped, usable


def _inside(row: Row, base: Path, root: Path, spec: str) -> Path:
    """The file of a row, by its name alone.

    Raises:
        InputError: The name leads out of the root.
    """
    shown = printable(row.path)
    if "\0" in row.path:
        raise InputError(f"row {row.number} of '{spec}': a path holds a zero byte")
    # Not resolved: a link is judged when it is met, but `..` must not be hidden behind one.
    path = Path(os.path.normpath(base.resolve() / row.path))
    if path == root or not path.is_relative_to(root):
        raise InputError(
            f"row {row.number} of '{spec}': the path '{shown}' leads out of {printable(str(root))}",
            "mend the table, or name the folder that holds all its files: --root DIR",
        )
    return path


def _problem(file: Path, root: Path) -> str:
    """Why a file cannot be used; empty where it can."""
    try:
        end = file.resolve(strict=True)
        regular = end.is_file()
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        refuse_unreachable(printable(str(file)), error, root)
        return f"cannot be opened: {error.strerror}"
    except RuntimeError:  # a loop of links, before Python 3.13
        return "broken link"
    if not end.is_relative_to(root):
        return "link out of the root"
    return "" if regular else "not a regular file"


def _read_rows(file: Path, spec: str) -> tuple[list[Row], bool]:
    """The lines of a text table, and whether it has a column for the split.

    Raises:
        InputError: It cannot be read, or lacks a column.
    """
    try:
        # Names need not be UTF-8; a mark at the start is no part of the first heading.
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            reader = csv.DictReader(stream, delimiter=_SEPARATORS[file.suffix.lower()], strict=True)
            names = [name for name in reader.fieldnames or () if name]
            path, label = (
                find_column(names, known, spec) for known in (PATH_COLUMNS, LABEL_COLUMNS)
            )
            split, group = (find_optional(names, known) for known in (SPLIT_COLUMNS, GROUP_COLUMNS))
            rows = [
                Row(
                    number,
                    line[path] or "",
                    printable((line[label] or "").strip()),
                    printable((line[split] or "").strip()) if split else "",
                    (line[group] or "").strip() if group else "",
                )
                for number, line in enumerate(reader, start=1)
            ]
    except OSError as error:
        refuse_unreachable(spec, error)
        raise InputError(f"cannot read '{spec}': {error.strerror}") from error
    except csv.Error as error:
        raise InputError(f"'{spec}' is no table of comma-separated values: {error}") from error
    return rows, split is not None


@dataclass(frozen=True)
class Manifest:
    """``--dataset FILE.csv``."""

    name: str = "manifest"
    reads: str = "a .csv or .tsv table of paths and labels"

    def accepts(self, spec: str) -> bool:
        """By the suffix."""
        path = Path(spec)
        is_table = path.suffix.lower() in _SEPARATORS and path.name != _ROBOFLOW
        return is_table and not path.expanduser().is_dir()

    def open(self, spec: str, access: Access) -> Target:
        """List and hash the files of one split.

        Raises:
            InputError: No such file, no table, or a path that leads out of the root.
        """
        file = Path(spec).expanduser()
        shown = printable(spec)
        rows, has_split = _read_rows(file, shown)
        return open_listed(shown, rows, file.absolute().parent, access, has_split=has_split)


TARGET = Manifest()
