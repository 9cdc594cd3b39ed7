"""Which split of a target is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from featrank.errors import InputError

# Names that mean a split, with the names that mean the same one.
SPLITS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
# What folders of splits are called beside that: train_set, test-data, seg_train, "Training images".
_BESIDE = frozenset({"set", "data", "dataset", "seg", "images", "imgs", "split"})


def split_meaning(name: str) -> str:
    """The split that a folder or a word stands for; empty where it stands for none."""
    words = [word for word in re.split(r"[-_. ]+", name.lower()) if word and word not in _BESIDE]
    return SPLITS.get(words[0].removesuffix("set"), "") if len(words) == 1 else ""


def choose_split(spec: str, splits: Sequence[str], asked: str | None) -> str | None:
    """The split that is asked for, as the target calls it; ``train`` where nothing is asked.

    Args:
        spec: The target, for messages.
        splits: What the target offers; none where it has no splits.
        asked: What the user typed, if anything.

    Raises:
        InputError: There is no such split, or two go by that name.
    """
    if not splits:
        if asked is not None:
            refuse_split(spec, asked)
        return None
    wanted = "train" if asked is None else asked
    if wanted in splits:
        return wanted
    meaning = split_meaning(wanted)
    same = [name for name in splits if meaning and split_meaning(name) == meaning]
    if len(same) == 1:
        return same[0]
    listing = ", ".join(same or splits)
    raise InputError(
        f"split '{wanted}' of '{spec}' may mean {listing}"
        if same
        else f"no split '{wanted}' in '{spec}'; there is {listing}",
        f"choose one: --split {(same or splits)[0]}",
    )


def refuse_split(spec: str, asked: str | None) -> None:
    """For a target without splits.

    Raises:
        InputError: A split is asked for.
    """
    if asked is not None:
        raise InputError(
            f"'{spec}' has no splits, so there is no split '{asked}'",
            "leave --split out; splits are folders train, val, test with class folders in each,"
            " or a column split",
        )


_IN_FILE_NAME = re.compile(rf"({'|'.join(SPLITS)})(?=[-_.])", re.IGNORECASE)


def tell_splits(files: Sequence[Path]) -> bool:
    """Whether the names of all files begin with a split."""
    return all(_IN_FILE_NAME.match(file.name) for file in files)


def split_files(
    spec: str, files: Sequence[Path], asked: str | None
) -> tuple[str | None, list[Path]]:
    """The files of one split, where all their names begin with one: ``train-00000-of-00002``.

    Args:
        spec: The target, for messages.
        files: The files of all splits.
        asked: What the user typed, if anything.

    Returns:
        The split, None where the names tell of none, and its files.

    Raises:
        InputError: There is no such split, or two go by that name.
    """
    named = [(match[1] if (match := _IN_FILE_NAME.match(file.name)) else "") for file in files]
    if "" in named:
        refuse_split(spec, asked)
        return None, list(files)
    if len(set(named)) == 1 and asked is None:
        return None, list(files)
    split = choose_split(spec, sorted(set(named)), asked)
    return split, [file for file, name in zip(files, named, strict=True) if name == split]
