"""Tar shards in WebDataset's naming: ``cat001.jpg`` with ``cat001.cls``, ``.json`` or ``.txt``.

A sample's key is its name up to the first dot; members of one key belong together. The archives
must not be compressed: images are read where they lie.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.targets._decode import IMAGE_SUFFIXES
from featrank.targets._file_names import printable
from featrank.targets._file_patterns import expand_files
from featrank.targets._reach import refuse_unreachable
from featrank.targets._selection import canonical
from featrank.targets._spans import MAX_ENCODED_BYTES, Span, SpanReader
from featrank.targets._splits import split_files
from featrank.targets._target import MASK, Access, Sample, Target

# In the order in which they are believed.
_LABELS = ("cls", "json", "txt")
_JSON_KEYS = ("label", "class", "class_name", "cls", "category", "target")
_MAX_LABEL_BYTES = 1 << 20


# Members that show where something is in the image of the same key: KEY.seg.png, KEY.mask.png.
_MASK = re.compile(r"(seg|segmentation|mask|masks|panoptic|annotation)\d*\.")

# What a header that lies makes tarfile raise.
_DAMAGE = (tarfile.TarError, ValueError, OverflowError, RecursionError, KeyError, IndexError)

# Names and attributes; a longer header is read into memory, and parsed in quadratic time.
_MAX_HEADER_BYTES = 1 << 14
_HEADERS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip


class _Bounded(tarfile.TarInfo):
    """A member whose header is believed only as far as it can be true."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Bounded:
        member = super().frombuf(buf, encoding, errors)
        if member.size < 0:
            raise tarfile.ReadError("a size below zero")
        if member.type in _HEADERS and member.size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {member.size:,} bytes")
        return member


def _check_progress(archive: tarfile.TarFile, member: tarfile.TarInfo, reached: int) -> None:
    """See that the next member lies behind this one: an extended header may state another size."""
    if member.size < 0 or archive.offset <= max(reached, member.offset):
        raise tarfile.ReadError(f"a member of {member.size:,} bytes")


@dataclass
class _Group:
    """The members of one key, with the images' digests and the labels found."""

    images: list[tuple[str, str]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return next((self.labels[kind] for kind in _LABELS if self.labels.get(kind)), "")


@dataclass
class _Listing:
    """What the shards of one split hold."""

    samples: list[Sample] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)

    def add_shard(self, file: Path, shown: str, spec: str) -> None:
        """All samples of one archive.

        Raises:
            InputError: It is no archive, or a member's name leads out of it.
        """
        groups: dict[str, _Group] = {}
        try:
            # "r:" refuses compressed archives.
            with tarfile.open(file, "r:", tarinfo=_Bounded) as archive:
                for member in self._members(archive, shown, spec):
                    self._add_member(archive, member, file, shown, groups)
        except OSError as error:
            refuse_unreachable(shown, error)
            raise InputError(f"cannot read '{shown}': {error.strerror or error}") from error
        except _DAMAGE as error:
            raise InputError(
                f"'{shown}' is no tar archive, or a compressed one: {error}",
                "unpack the compression first: the shards of a WebDataset are plain .tar files",
            ) from error
        for group in groups.values():
            for path, digest in group.images:
                if group.label:
                    self.samples.append(Sample(path, group.label, digest))
                else:
                    self.skipped.append(Skipped(path, _unlabelled(path)))

    def _members(
        self, archive: tarfile.TarFile, shown: str, spec: str
    ) -> Iterator[tarfile.TarInfo]:
        """The members; an archive that ends early is read up to there.

        Raises:
            InputError: A member's name leads out of the archive.
        """
        reached = 0
        while True:
            try:
                member = archive.next()
                if member is not None:
                    _check_progress(archive, member, reached)
            except _DAMAGE as error:
                if not reached:
                    raise
                self.skipped.append(Skipped(shown, f"the archive is damaged from here on: {error}"))
                return
            if member is None:
                return
            reached = archive.offset
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts:
                raise InputError(
                    f"'{spec}': the member '{printable(member.name)}' of {shown} leads out of the"
                    " archive",
                    "such an archive may be hostile: make it anew",
                )
            yield member
            archive.members = []  # type: ignore[attr-defined]  # it would keep every member of a large archive in memory

    def _add_member(
        self,
        archive: tarfile.TarFile,
        member: tarfile.TarInfo,
        file: Path,
        shown: str,
        groups: dict[str, _Group],
    ) -> None:
        folder, _, name = member.name.rpartition("/")
        key, _, kind = name.partition(".")
        kind = kind.lower()
        path = f"{shown}/{printable(member.name)}"
        is_image = f".{kind.rpartition('.')[2]}" in IMAGE_SUFFIXES
        if name.startswith(".") or not (is_image or kind in _LABELS):
            return
        if not member.isreg() or member.issparse():
            if is_image:
                self.skipped.append(Skipped(path, "not a regular file"))
            return
        if member.size > (MAX_ENCODED_BYTES if is_image else _MAX_LABEL_BYTES):
            self.skipped.append(Skipped(path, f"oversized: {member.size:,} bytes"))
            return
        stream = archive.fileobj
        assert stream is not None  # it is open
        stream.seek(member.offset_data)
        data = stream.read(member.size)
        if len(data) < member.size:
            self.skipped.append(Skipped(path, "the archive ends inside it"))
            return
        group = groups.setdefault(f"{folder}/{key}", _Group())
        if is_image and _MASK.match(kind):
            self.skipped.append(Skipped(path, MASK))
        elif is_image:
            digest = sha256(data).hexdigest()
            self.spans.setdefault(digest, Span(file, member.offset_data, member.size))
            group.images.append((path, digest))
        else:
            group.labels[kind] = _label(kind, data)


def _unlabelled(path: str) -> str:
    name = path.rpartition("/")[2]
    if name.count(".") > 1:
        key = name.partition(".")[0]
        return f"no label: keys end at the first dot, which makes this one '{key}'"
    return "no .cls, .json or .txt tells its label"


def _label(kind: str, data: bytes) -> str:
    """The class that a member tells; empty where it tells none."""
    text = data.decode("utf-8", "backslashreplace").strip()
    if kind != "json":
        return text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if isinstance(document, dict):
        document = next((document[key] for key in _JSON_KEYS if key in document), None)
    return printable(str(document).strip()) if isinstance(document, str | int) else ""


@dataclass(frozen=True)
class TarShards:
    """``--dataset 'DIR/{000..009}.tar'``."""

    name: str = "tar_shards"

    def accepts(self, spec: str) -> bool:
        """By the suffix."""
        return spec.lower().endswith((".tar", ".tar.gz", ".tgz")) and not Path(spec).is_dir()

    def open(self, spec: str, access: Access) -> Target:
        """Hash the images of all shards.

        Raises:
            InputError: No such shard, no archive, or a member's name leads out of it.
        """
        shown = printable(spec)
        split, files = split_files(shown, expand_files(spec), access.split)
        listing = _Listing()
        names = [file.name for file in files]
        for file in files:
            # Shards of one name in two folders are told apart by the folder.
            name = file.name if names.count(file.name) == 1 else str(file)
            listing.add_shard(file, printable(name), shown)
        return Target(
            shown, split, canonical(listing.samples), SpanReader(listing.spans),
            tuple(listing.skipped),
        )  # fmt: skip


TARGET = TarShards()
