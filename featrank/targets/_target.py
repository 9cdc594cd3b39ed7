"""What every kind of labelled image set becomes."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from featrank.records import Skipped
from featrank.storage.digest import digest_json
from featrank.storage.file_hashes import FileHashes

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image.

    Attributes:
        path: Where it is, relative to the target's root; unique inside the target.
        class_name: Its class.
        digest: SHA-256 of its content.
        group: What it belongs to, such as a patient; empty where it stands alone.
    """

    path: str
    class_name: str
    digest: str
    group: str = ""


def digest_pixels(mode: str, size: tuple[int, int], data: bytes) -> str:
    """The content hash of an image that is kept as bare pixels.

    Args:
        mode: Pillow's name of the mode.
        size: Width and height.
        data: The pixels, row by row.
    """
    header = f"{mode}:{size[0]}x{size[1]}:".encode()
    return hashlib.sha256(header + data).hexdigest()


class UnreadableImage(Exception):  # noqa: N818  the word for it everywhere
    """This image cannot be used; the message is the reason, one line."""


# Why an image is skipped that nobody has labelled: no damage, however many there are.
NO_LABEL = "no label"

# The same of what shows where something is in another image.
MASK = "mask of the image beside it"

# The same of what is left out by --multi-label skip.
SEVERAL = "several labels"
NO_DAMAGE = frozenset({NO_LABEL, MASK, SEVERAL})

# Contradictions that a warning names; the others are only counted.
_NAMED = 5


def _nothing(_: Sequence[Sample]) -> None:
    """Most kinds need no preparation."""


@dataclass(frozen=True)
class Target:
    """A labelled image set, after splits and subsets.

    Attributes:
        name: As the user named it.
        split: The split in use, or None where the target has none.
        samples: In canonical order: class name, content, path. It does not depend on the place
            or kind of the target, so equal content means equal rows.
        read: From a sample to an upright RGB image; can be sent to worker processes; raises
            :class:`UnreadableImage` where it cannot be decoded, IncompleteError where it cannot be
            read or has changed.
        skipped: Files already known to be unusable.
        splits: The splits that the target offers.
        warnings: What may surprise about it, one line each.
        prepare: Called once with the samples that are about to be read, before any worker starts.
        offered: Images a class before a subset was chosen; None where none was.
        decoding: How its images are read where that is not the usual way, for the key of features.
    """

    name: str
    split: str | None
    samples: Sequence[Sample]
    read: Callable[[Sample], Image.Image]
    skipped: tuple[Skipped, ...] = ()
    splits: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    prepare: Callable[[Sequence[Sample]], None] = _nothing
    offered: Mapping[str, int] | None = None
    decoding: str = ""

    @cached_property
    def n_duplicates(self) -> int:
        """Images whose content another one before them has."""
        return len(self.samples) - len({sample.digest for sample in self.samples})

    @cached_property
    def contradictions(self) -> tuple[tuple[Sample, ...], ...]:
        """Images of the same content in different classes: one sample a class, in order."""
        by_digest: dict[str, dict[str, Sample]] = defaultdict(dict)
        for sample in self.samples:
            by_digest[sample.digest].setdefault(sample.class_name, sample)
        return tuple(tuple(group.values()) for group in by_digest.values() if len(group) > 1)

    @cached_property
    def all_warnings(self) -> tuple[str, ...]:
        """What may surprise about it, with images that have no class and those that have two."""
        return (*self.warnings, *self._warn_of_left_out(), *self._warn_of_contradictions())

    def _warn_of_left_out(self) -> Iterator[str]:
        for reason in sorted(NO_DAMAGE):
            paths = [item.path for item in self.skipped if item.reason == reason]
            if paths:
                count = f"{len(paths)} image{'s' * (len(paths) > 1)}"
                yield f"{count} left out ({reason}), first '{paths[0]}'"

    def _warn_of_contradictions(self) -> Iterator[str]:
        twice = self.contradictions
        if not twice:
            return
        named = "; ".join(
            " = ".join(f"{sample.path} ({sample.class_name})" for sample in samples)
            for samples in twice[:_NAMED]
        )
        more = "; ..." if len(twice) > _NAMED else ""
        count = "1 image stands" if len(twice) == 1 else f"{len(twice)} images stand"
        yield f"{count} in more than one class: {named}{more}"

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Sorted; a label is an index into it."""
        return tuple(sorted({sample.class_name for sample in self.samples}))

    @cached_property
    def class_counts(self) -> Mapping[str, int]:
        counts = Counter(sample.class_name for sample in self.samples)
        return {name: counts[name] for name in self.class_names}

    @cached_property
    def labels(self) -> tuple[int, ...]:
        index = {name: label for label, name in enumerate(self.class_names)}
        return tuple(index[sample.class_name] for sample in self.samples)

    @cached_property
    def groups(self) -> tuple[str, ...] | None:
        """Each sample's group; None where no sample has one."""
        groups = tuple(sample.group for sample in self.samples)
        return groups if any(groups) else None

    @cached_property
    def fingerprint(self) -> str:
        """By content, not by place: the classes, the content hashes of their images, the groups."""
        rows = [[sample.class_name, sample.digest] for sample in self.samples]
        if (groups := self.groups) is not None:
            rows = [[*row, group] for row, group in zip(rows, groups, strict=True)]
        return digest_json(rows)


@dataclass(frozen=True, slots=True)
class Access:
    """What a kind is given beside the word that names the target.

    Attributes:
        hashes: Content hashes of files.
        split: The split that is asked for, if any.
        root: The folder that the paths of a manifest may not leave; None for the manifest's own.
        layout: What the folders of a folder are: classes, splits, or auto to tell by their names.
        follow_links: Whether links that lead out of a folder are followed.
        class_depth: How deep the class folders of a folder lie; None for the folders at the top.
        label_column: What tells the class: a column, a field, a kind of member; None for the usual.
        multi_label: Of an image with several labels: ``first``, ``skip``; None refuses the set.
        value_range: What is black and white where samples have more than 8 bits.
        path_column: The column of the files; None for the usual names, as of the next two.
        split_column: The column of the splits.
        group_column: The column of what images belong to.
        label_columns: The columns of the classes, where each has one.
        suffix: What the paths of a table lack at their end.
        ignore_labels: Classes that stand for no label.
    """

    hashes: FileHashes
    split: str | None = None
    root: Path | None = None
    layout: str = "auto"
    follow_links: bool = False
    class_depth: int | None = None
    label_column: str | None = None
    multi_label: str | None = None
    value_range: str = "auto"
    path_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    label_columns: tuple[str, ...] = ()
    suffix: str | None = None
    ignore_labels: tuple[str, ...] = ()


class TargetKind(Protocol):
    """One kind of target; a file of this folder declares one as ``TARGET``."""

    @property
    def name(self) -> str: ...

    def accepts(self, spec: str) -> bool:
        """Whether ``--dataset SPEC`` means this kind; touches no more than file names."""
        ...

    def open(self, spec: str, access: Access) -> Target:
        """List the samples of one split; classes and limits are chosen afterwards.

        Raises:
            InputError: Nothing usable there; says what, why and what to do.
        """
        ...
