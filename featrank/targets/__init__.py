"""Labelled image sets: one file a kind, found by scanning this folder."""

from __future__ import annotations

from featrank.errors import InputError
from featrank.file_hashes import FileHashes
from featrank.records import Selection
from featrank.registry import Registry, did_you_mean
from featrank.targets.target import Target, TargetKind

__all__ = ["TARGETS", "open_target"]

TARGETS: Registry[TargetKind] = Registry(__name__, "TARGET", "target kind")


def open_target(spec: str, selection: Selection, hashes: FileHashes) -> Target:
    """The target that ``--dataset SPEC`` means, after splits and subsets.

    Raises:
        InputError: No kind accepts it, or it holds nothing that can be scored.
    """
    for kind in TARGETS:
        if kind.accepts(spec):
            return kind.open(spec, selection, hashes)
    embedded = [kind.name for kind in TARGETS if kind.accepts(kind.name)]
    raise InputError(
        f"no such dataset: '{spec}' is not a folder",
        did_you_mean(spec, embedded, f"give a folder of class folders, or {', '.join(embedded)}"),
    )
