"""A FiftyOne export of classified images: ``labels.json`` beside ``data/``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.targets._coco_document import is_coco, read_coco
from featrank.targets._file_names import printable
from featrank.targets._labels_document import Labelled, open_labelled, read_document
from featrank.targets._reach import refuse_unreachable
from featrank.targets._recognise import by_name
from featrank.targets._splits import refuse_split
from featrank.targets._target import Access, Target

_LABELS, _DATA = "labels.json", "data"


@dataclass(frozen=True)
class FiftyOne:
    """``--dataset DIR`` with ``labels.json`` and ``data/`` in it."""

    name: str = "fiftyone"
    reads: str = "a FiftyOne export (labels.json and data/)"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """By file names."""
        path = Path(spec).expanduser()
        folder = path if path.is_dir() else path.parent
        is_named = path.is_dir() or path.name == _LABELS
        return is_named and (folder / _LABELS).is_file() and (folder / _DATA).is_dir()

    def open(self, spec: str, access: Access) -> Target:
        """List and hash the images; a COCO-style ``labels.json`` is read as such.

        Raises:
            InputError: No such document, or several labels an image.
        """
        shown = printable(spec)
        path = Path(spec).expanduser()
        folder = path if path.is_dir() else path.parent
        refuse_split(shown, access.split)
        document = read_document(folder / _LABELS)
        if is_coco(document):
            listed = [
                Labelled(f"{_DATA}/{item.path}", item.labels)
                for item in read_coco(document, shown)
                if item.path
            ]
        else:
            listed = list(_read(document, folder, shown))
        return open_labelled(shown, listed, folder, access, folders=(folder / _DATA,))


def _read(document: Any, folder: Path, shown: str) -> Iterator[Labelled]:
    """What the document says.

    Raises:
        InputError: It is no such document, or has a label that is not among its classes.
    """
    if not isinstance(document, dict) or not isinstance(document.get("labels"), dict):
        names = list(document) if isinstance(document, dict) else [type(document).__name__]
        has = ", ".join(printable(str(name)) for name in names[:8]) or "nothing"
        raise InputError(
            f"{_LABELS} of '{shown}' has no object 'labels' of names and classes; it has: {has}",
            f"remove it to read class folders in {_DATA}/: --dataset {folder / _DATA}",
        )
    classes = document.get("classes")
    names = [str(name) for name in classes] if isinstance(classes, list) else []
    files = _files_by_stem(folder)
    for key, value in document["labels"].items():
        found = files.get(key, [])
        if len(found) > 1:
            raise InputError(
                f"'{printable(key)}' of '{shown}' may be {printable(found[0])} or"
                f" {printable(found[1])}",
                "give the images names that differ without their suffixes",
            )
        path = found[0] if found else f"{_DATA}/{key}"
        values = value if isinstance(value, list) else [value]
        yield Labelled(path, [_label(item, names, key, shown) for item in values])


def _label(value: object, names: list[str], key: str, shown: str) -> str:
    """The class that a value stands for; empty where it stands for none.

    Raises:
        InputError: A number that is no place in the list of classes, or no value for a class.
    """
    if isinstance(value, dict):
        value = value.get("label")
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and names:
        if 0 <= value < len(names):
            return printable(names[value].strip())
        raise InputError(
            f"'{printable(key)}' of '{shown}' has the label {value}, and there are"
            f" {len(names)} classes",
            "export it again",
        )
    if isinstance(value, str | int):
        return printable(str(value).strip())
    raise InputError(
        f"'{printable(key)}' of '{shown}' has a label that is no class: {type(value).__name__}",
        "export it as a classification",
    )


def _files_by_stem(folder: Path) -> dict[str, list[str]]:
    """The images of ``data/``, by their names without the suffix and with it."""
    found: dict[str, list[str]] = defaultdict(list)
    try:
        for file in sorted((folder / _DATA).rglob("*")):
            inside = file.relative_to(folder / _DATA)
            if by_name(file.name) == "image":
                path = file.relative_to(folder).as_posix()
                found[inside.with_suffix("").as_posix()].append(path)
                found[inside.as_posix()] = [path]
    except OSError as error:
        refuse_unreachable(printable(str(folder)), error)
    return found


TARGET = FiftyOne()
