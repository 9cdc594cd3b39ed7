"""A table of files and labels: ``train.csv`` with the columns ``path`` and ``label``.

Optional columns are ``split`` and ``group``; columns of other names are named by flags. Relative
paths start at the table's own folder or at the root; no path may leave the root, which is that
folder unless ``--root`` names another.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.targets._columns import Columns, find_columns, hot_labels, is_known, split_of
from featrank.targets._file_names import printable
from featrank.targets._folder_layout import holds_class_folders
from featrank.targets._listed_paths import ListedPaths, is_address
from featrank.targets._reach import hash_listed, refuse_unreachable
from featrank.targets._selection import canonical
from featrank.targets._several_labels import SeveralLabels
from featrank.targets._splits import choose_split
from featrank.targets._target import NO_LABEL, Access, Sample, Target
from featrank.targets._text_tables import SEPARATORS, guess_columns, read_text_table, texts
from featrank.targets.image_folder import FolderReader

# A table of another form, with a kind of its own.
_ROBOFLOW = "_classes.csv"
# Lists in a folder of images, as the datasets library of Hugging Face has them.
_IN_FOLDER = ("metadata.csv", "metadata.jsonl")


_NO_FILE = "no such file"
_AN_ADDRESS = "an address, no file"


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
    paths = listed_paths(spec, base, access)
    root = paths.root
    rows = list(rows)
    files = {
        row: paths.find(row.path, row.number)
        for row in rows
        if row.path and not is_address(row.path)
    }
    splits = tuple(sorted({row.split for row in rows if row.split})) if has_split else ()
    split = choose_split(spec, splits, access.split)
    wanted = [row for row in rows if not splits or row.split in (split, "")]
    skipped, usable = _usable(wanted, files, root, has_split=has_split)
    _refuse_without_files(spec, skipped, usable, root)
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
        spec,
        split,
        canonical(samples),
        FolderReader(root, renamed),
        tuple(skipped),
        splits,
        warnings=tuple(paths.warnings()),
    )


def listed_paths(spec: str, base: Path, access: Access) -> ListedPaths:
    """What finds the files of a table.

    Raises:
        InputError: There is no such root.
    """
    root = (access.root or base).expanduser().resolve()
    if not root.is_dir():
        raise InputError(f"--root: no such folder: '{printable(str(root))}'")
    suffix = access.suffix or ""
    dotted = suffix if "." in suffix or not suffix else f".{suffix}"
    return ListedPaths(spec, base.resolve(), root, dotted)


def _refuse_without_files(
    spec: str, skipped: Sequence[Skipped], usable: Mapping[Row, Path], root: Path
) -> None:
    """Say what helps where not one file of a table is there.

    Raises:
        InputError: None is.
    """
    gone = [item.path for item in skipped if item.reason in (_NO_FILE, _AN_ADDRESS)]
    if usable or not gone or len(gone) < len(skipped):
        return
    if is_address(gone[0]):
        raise InputError(
            f"'{spec}' lists addresses, such as '{gone[0]}', and files are read",
            "fetch them, and name the folder that holds them: --root DIR",
        )
    name = Path(gone[0])
    with_suffix = sorted(root.glob(f"{glob.escape(str(name))}.*")) if name.parts else []
    if with_suffix and not name.is_absolute():
        way = f"say what the names lack: --suffix {with_suffix[0].suffix}"
    else:
        below = next(iter(sorted(root.glob(f"*/{glob.escape(str(name))}"))), None)
        start = below.parents[len(name.parts) - 1].relative_to(root) if below else "DIR"
        way = f"the paths of a .csv, .tsv or .jsonl table start at its folder, or at --root {start}"
    raise InputError(
        f"none of the {len(gone)} files of '{spec}' is there: '{gone[0]}' is not in"
        f" {printable(str(root))}",
        way,
    )


def _usable(
    rows: Iterable[Row], files: Mapping[Row, Path], root: Path, *, has_split: bool
) -> tuple[list[Skipped], dict[Row, Path]]:
    """The rows that say all that is needed of a file that is there; and the others."""
    skipped: list[Skipped] = []
    usable: dict[Row, Path] = {}
    for row in rows:
        reason = "no path" if not row.path else NO_LABEL if not row.label else ""
        if is_address(row.path):
            reason = _AN_ADDRESS
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


def _problem(file: Path, root: Path) -> str:
    """Why a file cannot be used; empty where it can."""
    try:
        end = file.resolve(strict=True)
        regular = end.is_file()
    except FileNotFoundError:
        return _NO_FILE
    except OSError as error:
        refuse_unreachable(printable(str(file)), error, root)
        return f"cannot be opened: {error.strerror}"
    except RuntimeError:  # a loop of links, before Python 3.13
        return "broken link"
    if not end.is_relative_to(root):
        return "link out of the root"
    return "" if regular else "not a regular file"


def _read_rows(
    file: Path, spec: str, access: Access
) -> tuple[list[Row], Columns, SeveralLabels, tuple[str, ...]]:
    """The lines of a text table, what its columns are, and what a user may not expect of it.

    Raises:
        InputError: It cannot be read, or lacks a column.
    """
    is_there = listed_paths(spec, file.absolute().parent, access).is_there
    asked = {access.path_column, access.label_column, *access.label_columns} - {None}
    table = read_text_table(file, spec, lambda name: is_known(name) or name in asked, is_there)
    named = access.path_column is not None and bool(access.label_column or access.label_columns)
    guessed = None
    warnings = list(table.warnings)
    if not table.has_heading and not named:
        guessed = guess_columns(table, spec, is_there)
        what = ", ".join(f"{place} is the {kind}" for kind, place in guessed.items() if place)
        warnings.append(f"'{spec}' has no heading: of its columns {what}")
    columns = find_columns(table.names, spec, access, guessed)
    several = SeveralLabels(spec, access.multi_label)
    places = [table.names.index(name) for name in columns.one_hot]
    used = (columns.path, columns.label, columns.split, columns.group)
    cells = zip(table.rows, *(texts(table, name) for name in used), strict=True)
    rows: list[Row] = []
    for number, (line, path, label, split, group) in enumerate(cells, start=1):
        chosen: str | None = label.strip()
        if columns.one_hot:
            hot = hot_labels([line[place] for place in places], columns.one_hot)
            chosen = several.choose(printable(path), hot)
        if chosen is not None:
            told = printable(split_of(split, columns.split))
            rows.append(Row(number, path, printable(chosen), told, group.strip()))
    several.refuse()
    return rows, columns, several, (*warnings, *columns.warnings(), *several.warnings())


@dataclass(frozen=True)
class Manifest:
    """``--dataset FILE.csv``."""

    name: str = "manifest"
    reads: str = "a .csv, .tsv, .jsonl or .txt table of paths and labels"
    takes_columns: bool = True

    def accepts(self, spec: str) -> bool:
        """By the suffix; or a folder with a list of its images and no class folders."""
        path = Path(spec).expanduser()
        if path.is_dir():
            return _list_in(path) is not None and not holds_class_folders(path)
        return path.suffix.lower() in SEPARATORS and path.name != _ROBOFLOW

    def open(self, spec: str, access: Access) -> Target:
        """List and hash the files of one split.

        Raises:
            InputError: No such file, no table, or a path that leads out of the root.
        """
        file = Path(spec).expanduser()
        shown = printable(spec)
        if file.is_dir():
            file = _list_in(file) or file
        rows, columns, several, warnings = _read_rows(file, shown, access)
        has_split = columns.split is not None
        target = open_listed(shown, rows, file.absolute().parent, access, has_split=has_split)
        return replace(
            target,
            skipped=(*target.skipped, *several.skipped),
            warnings=(*target.warnings, *warnings),
        )


def _list_in(folder: Path) -> Path | None:
    """The list of a folder's images."""
    return next((folder / name for name in _IN_FOLDER if (folder / name).is_file()), None)


TARGET = Manifest()
