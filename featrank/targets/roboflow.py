"""Roboflow's ``_classes.csv`` beside images: a file name, and a column of 0 and 1 a class."""

from __future__ import annotations

import csv
import dataclasses
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from featrank.errors import InputError
from featrank.storage.named_files import open_regular
from featrank.targets._file_names import printable
from featrank.targets._folder_layout import is_unlabelled_folder
from featrank.targets._labels_document import Labelled, open_labelled
from featrank.targets._reach import refuse_unreachable
from featrank.targets._split_folders import choose_folder, from_root, holders
from featrank.targets._target import Access, Target

TABLE = "_classes.csv"


@dataclass(frozen=True)
class Roboflow:
    """``--dataset DIR`` with ``_classes.csv`` in it, or in ``train/``, ``valid/``, ``test/``."""

    name: str = "roboflow"
    reads: str = "a folder of images with Roboflow's _classes.csv"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """By file names."""
        path = Path(spec).expanduser()
        return bool(holders(path, TABLE)) if path.is_dir() else path.name == TABLE

    def open(self, spec: str, access: Access) -> Target:
        """List and hash the images of one split.

        Raises:
            InputError: No such table or split, or several classes an image.
        """
        shown = printable(spec)
        path = Path(spec).expanduser()
        path = path if path.is_dir() else path.parent
        split, splits, folder = choose_folder(path, TABLE, shown, access.split)
        listed = [
            dataclasses.replace(item, path=from_root(item.path, folder, path))
            for item in _read(folder / TABLE)
        ]
        access = dataclasses.replace(access, split=None)
        target = open_labelled(shown, listed, path, access, folders=(folder,))
        return dataclasses.replace(target, split=split, splits=splits)


def _read(file: Path) -> list[Labelled]:
    """What the table says.

    Raises:
        InputError: It is none, or a value is neither 0 nor 1.
    """
    shown = printable(str(file))
    try:
        with TextIOWrapper(
            open_regular(file), encoding="utf-8-sig", errors="surrogateescape", newline=""
        ) as stream:
            lines = [line for line in csv.reader(stream, strict=True) if any(map(str.strip, line))]
    except OSError as error:
        refuse_unreachable(shown, error)
        raise InputError(f"cannot read '{shown}': {error.strerror}", "check the path") from error
    except csv.Error as error:
        raise InputError(f"'{shown}' is no table of comma-separated values: {error}") from error
    heading = [printable(name.strip()) for name in lines[0]] if lines else []
    if len(heading) < 2 or heading[0].lower() not in ("filename", "file_name", "file", "path"):
        raise InputError(
            f"'{shown}' does not begin with 'filename' and the classes; it has:"
            f" {', '.join(heading) or 'nothing'}",
            "export it again, or rename a table of another form",
        )
    if len(set(heading)) < len(heading):
        raise InputError(f"two columns of '{shown}' have one name", "give each class one column")
    return [_labelled(number, line, heading, shown) for number, line in enumerate(lines[1:], 2)]


def _labelled(number: int, line: list[str], heading: list[str], shown: str) -> Labelled:
    values = [value.strip() for value in line[1:]]
    if len(values) != len(heading) - 1 or not set(values) <= {"0", "1", "0.0", "1.0", ""}:
        raise InputError(
            f"line {number} of '{shown}' does not have 0 or 1 for each of"
            f" {len(heading) - 1} classes",
            "export it again",
        )
    classes = [
        name for name, value in zip(heading[1:], values, strict=True) if value in ("1", "1.0")
    ]
    return Labelled(line[0].strip(), [name for name in classes if not is_unlabelled_folder(name)])


TARGET = Roboflow()
