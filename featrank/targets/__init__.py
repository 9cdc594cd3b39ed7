"""Labelled image sets: one file a kind, found by scanning this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from featrank.config import Listing, Selection
from featrank.errors import InputError
from featrank.registry import Registry, did_you_mean
from featrank.storage.file_hashes import FileHashes
from featrank.storage.named_files import refuse_special
from featrank.targets._decode import IMAGE_SUFFIXES
from featrank.targets._file_names import printable
from featrank.targets._folder_layout import class_folders
from featrank.targets._plugins import admit
from featrank.targets._pointers import refuse_pointer
from featrank.targets._selection import narrow, without_ignored
from featrank.targets._size import MAX_PIXELS
from featrank.targets._survey import survey
from featrank.targets._target import NO_DAMAGE, Access, Sample, Target, TargetKind, UnreadableImage

__all__ = [
    "MAX_PIXELS",
    "NO_DAMAGE",
    "TARGETS",
    "Access",
    "Sample",
    "Target",
    "TargetKind",
    "UnreadableImage",
    "open_target",
]

TARGETS: Registry[TargetKind] = Registry(__name__, "TARGET", "target kind", admit=admit)

# Accepts any path, so it is asked last.
_FOLDER = "image_folder"
# Before the name of a built-in set, where a folder has that name too.
_BUILT_IN = "builtin:"


def open_target(
    spec: str,
    selection: Selection,
    hashes: FileHashes,
    listing: Listing | None = None,
) -> Target:
    """The target that ``--dataset SPEC`` means, after splits and subsets.

    Args:
        spec: What the user typed.
        selection: Split and subset.
        hashes: Content hashes of files.
        listing: How the images are found; None for the usual way.

    Raises:
        InputError: No kind accepts it, or it holds nothing that can be scored.
    """
    embedded = [kind.name for kind in TARGETS if kind.accepts(kind.name)]
    if spec in embedded and Path(spec).is_dir():
        raise InputError(
            f"'{spec}' is a folder here and the name of a set that is built in",
            f"say which: --dataset ./{spec}, or --dataset {_BUILT_IN}{spec}",
        )
    if spec.removeprefix(_BUILT_IN) in embedded:
        spec = spec.removeprefix(_BUILT_IN)
    access = Access(hashes, selection.split, **asdict(listing or Listing()))
    kind = _kind_of(spec, embedded, access)
    if access.label_column is not None and not getattr(kind, "takes_label_column", True):
        raise InputError(
            f"--label-column: '{printable(spec)}' has neither columns nor fields to choose from",
            "leave it out",
        )
    if not getattr(kind, "takes_columns", False):
        _refuse_columns(spec, access)
    # The whole is looked at, not the subset: a smaller one is read no other way.
    opened = without_ignored(kind.open(spec, access), access.ignore_labels)
    whole = survey(opened, access.value_range, hashes.folder)
    return narrow(whole, selection)


# What only tables have, by the flag that says it.
_OF_TABLES = {
    "--path-column": "path_column", "--split-column": "split_column", "--suffix": "suffix",
    "--group-column": "group_column", "--label-columns": "label_columns",
}  # fmt: skip


def _refuse_columns(spec: str, access: Access) -> None:
    """See that nothing is asked of the columns of what is no table.

    Raises:
        InputError: Something is.
    """
    for flag, name in _OF_TABLES.items():
        if getattr(access, name):
            raise InputError(
                f"{flag}: '{printable(spec)}' is no table, so it has no columns", "leave it out"
            )


def _kind_of(spec: str, embedded: Sequence[str], access: Access) -> TargetKind:
    """The kind that a word means.

    Args:
        spec: What the user typed.
        embedded: The names of the sets that are built in.
        access: What is said of its folders: it decides where a folder may be of two kinds.

    Raises:
        InputError: None, or several.
    """
    path = Path(spec).expanduser()
    try:
        refuse_special(path)
    except OSError as error:
        raise InputError(
            f"'{printable(spec)}' is {error.strerror}", "name a folder or a file of images"
        ) from None
    if spec and path.is_file():
        refuse_pointer(path)
    accepting = [kind for kind in TARGETS if kind.name != _FOLDER and kind.accepts(spec)]
    if accepting and path.is_dir() and spec not in embedded:
        if access.layout != "auto" or access.class_depth is not None:
            return TARGETS.get(_FOLDER)
        _refuse_both(spec, path, accepting[0])
    if len(accepting) > 1:
        ways = " or as ".join(getattr(kind, "reads", kind.name) for kind in accepting)
        raise InputError(
            f"'{printable(spec)}' can be read in {len(accepting)} ways: as {ways}",
            "name the file that describes the set, not its folder; or move what is not meant away",
        )
    if accepting:
        return accepting[0]
    if spec and path.is_file():
        _refuse_file(spec, path)
    if TARGETS.get(_FOLDER).accepts(spec):
        return TARGETS.get(_FOLDER)
    raise InputError(
        f"no such dataset: '{spec}' is neither a folder nor a file that is known",
        did_you_mean(spec, embedded, f"give a folder of class folders, or {', '.join(embedded)}"),
    )


def _refuse_both(spec: str, path: Path, kind: TargetKind) -> None:
    """See that a folder with a list of labels, or arrays, is no folder of class folders as well.

    Raises:
        InputError: It is both.
    """
    beside = class_folders(path)
    if len(beside) > 1:
        named = ", ".join(map(printable, beside[:4])) + (", …" if len(beside) > 4 else "")
        raise InputError(
            f"'{printable(spec)}' can be read in 2 ways: as {getattr(kind, 'reads', kind.name)}, or"
            f" with its folders {named} as classes",
            "for the folders say --layout classes; else name the file that describes the set",
        )


# What to do with files of kinds that are not read.
_EXPORT = "write its images into class folders, or into a .parquet file"
_WAYS = {
    **dict.fromkeys((".h5", ".hdf5", ".mat", ".npy", ".tfrecord", ".pkl", ".pt", ".mdb"), _EXPORT),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "save the table as .csv"),
    **dict.fromkeys((".7z", ".rar", ".zst", ".gz", ".bz2", ".xz"), "unpack it"),
    **dict.fromkeys((".jsonl", ".ndjson", ".xml"), "write a .csv of paths and labels"),
    **dict.fromkeys((".yaml", ".yml", ".txt"), "name the folder or the table that it tells of"),
    **dict.fromkeys(IMAGE_SUFFIXES, "it is one image: name the folder above its class folder"),
}


def _refuse_file(spec: str, path: Path) -> None:
    """A file that is there, but of no kind that is read.

    Raises:
        InputError: Always.
    """
    kinds = [getattr(kind, "reads", "") for kind in TARGETS]
    way = _WAYS.get(path.suffix.lower(), "convert it into one of these")
    raise InputError(
        f"'{printable(spec)}' is there, but no file of a kind that is read; these are:"
        f" {', '.join(kind for kind in kinds if kind)}",
        way,
    )
