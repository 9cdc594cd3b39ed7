"""Labelled image sets: one file a kind, found by scanning this folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from featrank.config import Listing, Selection
from featrank.errors import InputError
from featrank.registry import Registry, did_you_mean
from featrank.storage.file_hashes import FileHashes
from featrank.targets._decode import MAX_PIXELS
from featrank.targets._selection import narrow
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

TARGETS: Registry[TargetKind] = Registry(__name__, "TARGET", "target kind")

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
    for kind in sorted(TARGETS, key=lambda kind: kind.name == _FOLDER):
        if kind.accepts(spec):
            access = Access(hashes, selection.split, **asdict(listing or Listing()))
            return narrow(kind.open(spec, access), selection)
    raise InputError(
        f"no such dataset: '{spec}' is neither a folder nor a file that is known",
        did_you_mean(spec, embedded, f"give a folder of class folders, or {', '.join(embedded)}"),
    )
