"""What every kind of labelled image set becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from featrank.file_hashes import FileHashes
from featrank.records import Selection, Skipped, digest_json

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image.

    Attributes:
        path: Where it is, relative to the target's root; unique inside the target.
        class_name: Its class.
        digest: SHA-256 of its content.
    """

    path: str
    class_name: str
    digest: str


class UnreadableImage(Exception):  # noqa: N818  the word for it everywhere
    """This image cannot be used; the message is the reason, one line."""


@dataclass(frozen=True)
class Target:
    """A labelled image set, after splits and subsets.

    Attributes:
        name: As the user named it.
        split: The split in use, or None where the target has none.
        samples: In canonical order: class name, content, path. It does not depend on the place
            or kind of the target, so equal content means equal rows.
        read: From a sample to an upright RGB image; can be sent to worker processes; raises
            :class:`UnreadableImage`.
        skipped: Files already known to be unusable.
        splits: The splits that the target offers.
    """

    name: str
    split: str | None
    samples: Sequence[Sample]
    read: Callable[[Sample], Image.Image]
    skipped: tuple[Skipped, ...] = ()
    splits: tuple[str, ...] = ()

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
    def fingerprint(self) -> str:
        """By content, not by place: the classes and the content hashes of their images."""
        return digest_json([[sample.class_name, sample.digest] for sample in self.samples])


class TargetKind(Protocol):
    """One kind of target; a file of this folder declares one as ``TARGET``."""

    @property
    def name(self) -> str: ...

    def accepts(self, spec: str) -> bool:
        """Whether ``--dataset SPEC`` means this kind; touches no more than the file status."""
        ...

    def open(self, spec: str, selection: Selection, hashes: FileHashes) -> Target:
        """List the samples; decodes nothing.

        Raises:
            InputError: Nothing usable there; says what, why and what to do.
        """
        ...
