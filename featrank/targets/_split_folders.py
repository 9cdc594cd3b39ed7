"""Folders of images with their labels in a file of one name: one a split, or one alone."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from featrank.errors import InputError
from featrank.targets._folder_layout import subfolders
from featrank.targets._splits import choose_split, refuse_split, split_meaning


def holders(folder: Path, name: str) -> list[str]:
    """The folders that hold a file of this name: the splits below, or ``.`` for the folder itself.

    Args:
        folder: Where to look.
        name: The file's.
    """
    try:
        found = [
            split
            for split in subfolders(folder)
            if split_meaning(split) and (folder / split / name).is_file()
        ]
        return found + ["."] * (folder / name).is_file()
    except (InputError, OSError):
        return []


def choose_folder(
    folder: Path, name: str, shown: str, asked: str | None
) -> tuple[str | None, tuple[str, ...], Path]:
    """The split that is meant, the splits there are, and the folder of images.

    Args:
        folder: The target's.
        name: Of the file that tells the labels.
        shown: The target, for messages.
        asked: The split that the user typed, if any.

    Raises:
        InputError: No such split; or the file is both in the folder and in splits below.
    """
    found = holders(folder, name)
    if found == ["."]:
        refuse_split(shown, asked)
        return None, (), folder
    if "." in found:
        raise InputError(
            f"'{shown}' has a {name} of its own beside those of its splits {', '.join(found[:-1])}",
            f"name one of the folders: --dataset {folder / found[0]}",
        )
    split = choose_split(shown, tuple(found), asked)
    return split, tuple(found), folder if split is None else folder / split


def from_root(path: str, folder: Path, root: Path) -> str:
    """A path that starts at a folder, from the root above it; whether it leads out is kept.

    Args:
        path: As a table has it; empty where it has none.
        folder: Where it starts.
        root: The folder itself, or one above it.
    """
    if not path or folder == root or PurePosixPath(path).is_absolute():
        return path
    return f"{folder.relative_to(root).as_posix()}/{path}"
