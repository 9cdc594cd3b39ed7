"""JSON documents that tell the labels of images beside them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.storage.named_files import open_regular
from featrank.targets._file_names import printable
from featrank.targets._pointers import refuse_pointer
from featrank.targets._reach import refuse_unreachable
from featrank.targets._recognise import by_name
from featrank.targets._several_labels import SeveralLabels
from featrank.targets._target import NO_LABEL, Access, Target
from featrank.targets.manifest import Row, open_listed

_MAX_BYTES = 1 << 31
# Where people keep the images of a document, from its folder or the one above.
_USUAL = ("images", "data", "imgs", "img", "JPEGImages", "image")
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a document says of one image.

    Attributes:
        path: The image, from a folder that the reader knows.
        labels: Its classes, in order.
        split: Its split; empty where nothing is said.
    """

    path: str
    labels: Sequence[str]
    split: str = ""


def read_document(file: Path) -> Any:
    """The content of a JSON file.

    Raises:
        InputError: It cannot be read, or is none.
    """
    shown = printable(str(file))
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise InputError(f"'{shown}' has more than {_MAX_BYTES:,} bytes", "split it")
        refuse_pointer(file)
        with open_regular(file) as stream:
            return json.loads(stream.read())
    except OSError as error:
        refuse_unreachable(shown, error)
        raise InputError(f"cannot read '{shown}': {error.strerror}", "check the path") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"'{shown}' is no JSON: {error}", "fetch or export it again") from error


def open_labelled(
    shown: str,
    listed: Sequence[Labelled],
    base: Path,
    access: Access,
    *,
    folders: Iterable[Path] = (),
) -> Target:
    """The target of images that a document tells the labels of.

    Args:
        shown: The target, for messages.
        listed: What it says.
        base: The folder that its paths start at.
        access: What else the user asked for.
        folders: Folders all of whose images belong to the set: those that are not listed have no
            label.

    Raises:
        InputError: A path leads out of the folder, or an image has several labels.
    """
    several = SeveralLabels(shown, access.multi_label)
    rows = []
    unnamed = []
    for number, item in enumerate(listed, start=1):
        if not _can_be_a_name(item.path):
            unnamed.append(Skipped(printable(item.path), "no file can have this name"))
            continue
        label = several.choose(printable(item.path), item.labels)
        if label is not None:
            rows.append(Row(number, item.path, label, item.split))
    several.refuse()
    has_split = any(item.split for item in listed)
    target = open_listed(shown, rows, base, access, has_split=has_split)
    known = {os.path.normpath(item.path) for item in listed}
    beside = [path for folder in folders for path in _images(folder, base) if path not in known]
    unlisted = [Skipped(printable(path), NO_LABEL) for path in beside]
    return dataclasses.replace(
        target,
        skipped=(*target.skipped, *several.skipped, *unnamed, *unlisted),
        warnings=(*target.warnings, *several.warnings()),
    )


def _images(folder: Path, base: Path) -> list[str]:
    """The images of a folder, but for hidden ones, by their paths from the base."""
    try:
        return [
            file.relative_to(base).as_posix()
            for file in sorted(folder.rglob("*"))
            if by_name(file.name) == "image"
            and not any(part.startswith(".") for part in file.relative_to(base).parts)
        ]
    except OSError as error:
        refuse_unreachable(printable(str(folder)), error)
        return []


def find_base(file: Path, names: Sequence[str], access: Access) -> Path:
    """The folder that the paths of a document start at.

    Args:
        file: The document.
        names: The paths in it.
        access: ``--root`` decides.

    Raises:
        InputError: No folder near it holds any of the images, or several do.
    """
    if access.root is not None:
        return access.root
    here = file.absolute().parent
    above = (here, here.parent)
    places = [*above, *(place / name for place in above for name in _USUAL)]
    places += [folder for place in above for folder in _folders(place) if folder.name in file.stem]
    looked_at = [name for name in names if not _leads_out(name)][:_LOOKED_AT]
    holding: Mapping[Path, None] = dict.fromkeys(
        place for place in places if any((place / name).is_file() for name in looked_at)
    )
    if len(holding) == 1:
        return next(iter(holding))
    shown = printable(str(file))
    if holding:
        named = ", ".join(printable(str(place)) for place in holding)
        raise InputError(
            f"the images of '{shown}' may be those in any of {named}", "say which: --root DIR"
        )
    if not looked_at:
        return here
    raise InputError(
        f"no folder near '{shown}' holds its images, such as '{printable(looked_at[0])}'",
        "name the folder that their paths start at: --root DIR",
    )


def _can_be_a_name(path: str) -> bool:
    """JSON can hold half of a surrogate pair, which is no bytes of a name."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name)
    return not name or not _can_be_a_name(name) or path.is_absolute() or ".." in path.parts


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.is_dir())
    except OSError:
        return []
