"""What the folders of a folder are: splits, classes, or neither."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from featrank.errors import InputError
from featrank.targets._decode import IMAGE_SUFFIXES
from featrank.targets._file_names import printable
from featrank.targets._reach import refuse_unreachable
from featrank.targets._splits import split_meaning

# What archivers, disk stations and operating systems leave behind; in lower case.
_SYSTEM = frozenset(
    {
        "__macosx", "@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot",
        "$recycle.bin", "lost+found", "system volume information", "__pycache__",
    }
)  # fmt: skip
# Where labelling tools put the images that have no label yet; in lower case, words joined by `_`.
_UNLABELLED = frozenset(
    {"unlabeled", "unlabelled", "no_label", "nolabel", "not_labeled", "not_labelled"}
)


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name belongs to the system, and its images to nobody."""
    return name.lower() in _SYSTEM


def is_unlabelled_folder(name: str) -> bool:
    """Whether a class folder of this name stands for the lack of a class."""
    words = name.lower().replace("-", "_").replace(" ", "_")
    return words.strip("_") in _UNLABELLED


def subfolders(folder: Path) -> list[str]:
    """The names of the folders in a folder, but for hidden ones and the system's.

    Raises:
        InputError: It cannot be listed.
    """
    try:
        return sorted(
            entry.name
            for entry in folder.iterdir()
            if not entry.name.startswith(".")
            and not is_system_folder(entry.name)
            and is_folder(entry)
        )
    except OSError as error:
        refuse_unreachable(printable(str(folder)), error)
        raise InputError(
            f"cannot list the folder '{printable(str(folder))}': {error.strerror}",
            "check its permissions",
        ) from None


def is_folder(path: Path) -> bool:
    """Whether it is one, or a link to one; what cannot be told is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def step_into(folder: Path) -> Path:
    """The folder that holds the classes or splits: archives often unpack into one folder more.

    A folder that holds one folder and no image is stepped into, as long as there are folders in
    that one; a link is not followed.

    Raises:
        InputError: A folder cannot be listed.
    """
    while True:
        names = subfolders(folder)
        if len(names) != 1 or _holds_images(folder):
            return folder
        only = folder / names[0]
        if only.is_symlink() or not subfolders(only) or _holds_images(only):
            return folder
        folder = only


def find_splits(root: Path, layout: str, spec: str) -> tuple[str, ...]:
    """The split folders, or none where the sub-folders are classes.

    Sub-folders are splits where all are named so, or where several are and all of those hold
    folders. A folder ``train`` that holds images alone, beside others, is the class of trains.

    Args:
        root: The folder.
        layout: ``splits`` or ``classes`` decides; ``auto`` looks.
        spec: What the user typed, for messages.

    Raises:
        InputError: Both readings are plausible, or no folder is named as a split.
    """
    names = subfolders(root)
    splits = tuple(name for name in names if split_meaning(name))
    if layout == "classes":
        return ()
    if layout == "splits":
        if not splits:
            listing = ", ".join(map(printable, names[:10])) or "none"
            raise InputError(
                f"--layout splits: no folder of '{spec}' is named as a split; there is: {listing}",
                "name the folders train, val, test; or leave --layout out",
            )
        return splits
    others = [name for name in names if name not in splits and _holds_anything(root / name)]
    with_folders = [name for name in splits if subfolders(root / name)]
    if not others:
        return splits
    if len(splits) > 1 and len(with_folders) == len(splits):
        return splits
    if with_folders:
        _refuse_both(spec, with_folders, others)
    return ()


def class_folders(root: Path) -> list[str]:
    """The folders that can only be meant as classes: they hold images, and are named as no split.

    Raises:
        InputError: The root cannot be listed.
    """
    return [
        name for name in subfolders(root) if not split_meaning(name) and _holds_images(root / name)
    ]


def holds_class_folders(root: Path) -> bool:
    """Whether a folder is one of class folders: in it, below its splits, or in a folder too many.

    Raises:
        InputError: A folder cannot be listed.
    """
    top = step_into(root)
    splits = (top / name for name in subfolders(top) if split_meaning(name))
    return any(len(class_folders(folder)) > 1 for folder in (root, top, *splits))


def deeper_classes(paths: Iterable[Sequence[str]]) -> Iterator[str]:
    """Where the classes may as well be the folders below: of domains, folds, letters.

    Args:
        paths: Each image's folders and name, from the folder of class folders on.

    Yields:
        At most one warning, with both readings.
    """
    inner: dict[str, set[str]] = {}
    lies_deeper = True
    for top, *rest in paths:
        below = inner.setdefault(top, set())
        if len(rest) > 1:
            below.add(rest[0])
        else:
            lies_deeper = False
    below = set().union(*inner.values())
    alike = all(names == below for names in inner.values())
    if len(inner) > 1 and len(below) > 1 and (lies_deeper or alike):
        why = "hold folders of the same names" if alike else "hold folders only"
        tops = ", ".join(f"'{printable(name)}'" for name in sorted(inner)[:4])
        more = ", …" if len(inner) > 4 else ""
        yield (
            f"the class folders {tops}{more} {why}: if the classes are those"
            f" {len(below)} below, say --class-depth 2 (--class-depth 1: they are not)"
        )


def _refuse_both(spec: str, splits: Sequence[str], others: Sequence[str]) -> None:
    named, beside = (
        ", ".join(map(printable, names[:5])) + (", …" if len(names) > 5 else "")
        for names in (splits, others)
    )
    raise InputError(
        f"'{spec}' can be read in two ways: {named} as a split that holds class folders, or as a"
        f" class like {beside} beside it",
        "say which: --layout splits, or --layout classes",
    )


def _holds_images(folder: Path) -> bool:
    return any(
        Path(name).suffix.lower() in IMAGE_SUFFIXES
        for name in _names(folder)
        if not name.startswith(".")
    )


def _holds_anything(folder: Path) -> bool:
    """Whether there is an image in it, or a folder that may hold some."""
    return bool(_holds_images(folder) or any(is_folder(folder / name) for name in _names(folder)))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 (names alone, which need no path object each)
    except OSError as error:
        refuse_unreachable(printable(str(folder)), error)
        return []
