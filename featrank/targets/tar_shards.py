"""Tar archives, compressed or not: shards in WebDataset's naming, or a folder of class folders.

Where a member tells the label of an image (``cat001.cls`` beside ``cat001.jpg``), they are shards;
where none does and images lie in folders, the archive is read as the folder it was made of.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.registry import did_you_mean
from featrank.targets._archive_tree import open_as_folder
from featrank.targets._file_names import printable
from featrank.targets._file_patterns import expand_files
from featrank.targets._members import Member
from featrank.targets._selection import canonical
from featrank.targets._several_labels import SeveralLabels
from featrank.targets._spans import SpanReader
from featrank.targets._splits import refuse_split, split_files, tell_splits
from featrank.targets._spool import Spool
from featrank.targets._tar_members import TarMembers
from featrank.targets._target import Access, Target
from featrank.targets._webdataset import WebDataset

_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")


@dataclass(frozen=True)
class TarShards:
    """``--dataset 'DIR/{000..009}.tar'``."""

    name: str = "tar_shards"
    reads: str = "tar shards or a tar of class folders"

    def accepts(self, spec: str) -> bool:
        """By the suffix."""
        return spec.lower().endswith(_SUFFIXES) and not Path(spec).expanduser().is_dir()

    def open(self, spec: str, access: Access) -> Target:
        """Hash the images of all shards.

        Raises:
            InputError: No such shard, no archive, a member's name leads out of it, or nothing
                tells the labels.
        """
        shown = printable(spec)
        split, files = None, expand_files(spec)
        if tell_splits(files) and len(files) > 1:
            split, files = split_files(shown, files, access.split)
            access = dataclasses.replace(access, split=None)
        skipped: list[Skipped] = []
        archives = [TarMembers(file, name, skipped) for file, name in _named(files)]
        target = _open(shown, archives, access)
        return target if split is None else dataclasses.replace(target, split=split)


def _named(files: list[Path]) -> Iterator[tuple[Path, str]]:
    """What each file is called; shards of one name in two folders are told apart by these."""
    names = [file.name for file in files]
    for file in files:
        yield file, printable(file.name if names.count(file.name) == 1 else str(file))


def _open(shown: str, archives: list[TarMembers], access: Access) -> Target:
    """The target that archives are.

    Raises:
        InputError: Nothing tells the labels.
    """
    spool = Spool(lambda: itertools.chain.from_iterable(map(TarMembers.contents, archives)))
    samples = WebDataset(access.label_column, SeveralLabels(shown, access.multi_label))
    members: list[Member] = []
    for archive in archives:
        place = spool if archive.is_compressed else None
        for member, text in archive.members(place, samples.wants_text):
            samples.add(archive.shown, member, text)
            members.append(member)
    if _is_folder(samples, access):
        target = open_as_folder(shown, members, access)
    else:
        refuse_split(shown, access.split)
        target = _as_shards(shown, samples)
    damage = tuple(archives[0].skipped) if archives else ()
    # Contents that lie in the archives themselves are in no spool, and are not copied.
    prepare = spool.fill if spool.spans else target.prepare
    return dataclasses.replace(target, skipped=(*target.skipped, *damage), prepare=prepare)


def _is_folder(samples: WebDataset, access: Access) -> bool:
    """Whether the archives are read as the folder they were made of."""
    if access.layout != "auto" or access.class_depth is not None:
        return True
    return access.label_column is None and not samples.is_labelled and samples.has_folders


def _as_shards(shown: str, samples: WebDataset) -> Target:
    """The target of shards in WebDataset's naming.

    Raises:
        InputError: No image has a label.
    """
    if not samples.n_images:
        _refuse_empty(shown, samples)
    if not samples.is_labelled:
        _refuse_unlabelled(shown, samples)
    found = samples.samples()
    return Target(
        shown,
        None,
        canonical(found),
        SpanReader(samples.contents),
        tuple(samples.skipped),
        warnings=tuple(samples.warnings()),
    )


def _refuse_empty(shown: str, samples: WebDataset) -> None:
    """Say what there is instead of images.

    Raises:
        InputError: Always.
    """
    there = ", ".join(f"{n} .{printable(kind)}" for kind, n in samples.kinds.most_common(8))
    skipped = [
        f"; {len(samples.skipped)} skipped, first {s.path}: {s.reason}" for s in samples.skipped
    ]
    nested = any(kind.endswith(("tar", "tgz", "zip", "gz")) for kind in samples.kinds)
    raise InputError(
        f"no usable image in '{shown}'; it holds: {there or 'nothing'}{''.join(skipped[:1])}",
        "it holds archives: unpack it, and name those" if nested else "check what it lists",
    )


def _refuse_unlabelled(shown: str, samples: WebDataset) -> None:
    """Say what there is beside the images.

    Raises:
        InputError: Always.
    """
    fields = sorted(samples.fields)
    kinds = sorted(kind for kind in samples.kinds if kind not in ("json", "cls"))
    beside = [f"{samples.kinds[kind]} .{printable(kind)}" for kind in sorted(samples.kinds)[:8]]
    also = f"; beside them lie {', '.join(beside)}" if beside else ""
    if fields:
        also += f" (the JSON has {', '.join(fields[:12])}{', …' if len(fields) > 12 else ''})"
    asked = samples.label_column
    message = (
        f"none of the {samples.n_images} images of '{shown}' has a label: no .cls or .json beside"
        f" one tells it{also}"
        if asked is None
        else f"--label-column {printable(asked)}: no image of '{shown}' has it{also}"
    )
    if dots := samples.cut_by_a_dot():
        raise InputError(
            f"{message}; {dots}", "name each image's members alike: cat-v1-0.jpg, .cls"
        )
    choices = [*fields, *kinds]
    hint = (
        f"if one of these is the class, name it: --label-column {choices[0]}"
        if choices
        else "write KEY.cls beside each KEY.jpg, or put each class into a folder of the archive"
    )
    raise InputError(message, hint if asked is None else did_you_mean(asked, choices, hint))


TARGET = TarShards()
