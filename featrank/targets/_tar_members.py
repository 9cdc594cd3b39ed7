"""The members of a tar archive, compressed or not, believed only as far as they can be true."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.targets._members import (
    Member,
    inner_name,
    looks_like_image,
    refuse_bomb,
    refuse_many,
)
from featrank.targets._pointers import refuse_pointer
from featrank.targets._reach import refuse_unreachable
from featrank.targets._recognise import SNIFFED_BYTES
from featrank.targets._spans import MAX_ENCODED_BYTES, Span
from featrank.targets._spool import Spool

# What a header or a compression that lies makes the readers raise.
_DAMAGE = (
    tarfile.TarError, ValueError, OverflowError, RecursionError, KeyError, IndexError, EOFError,
    zlib.error, lzma.LZMAError, gzip.BadGzipFile,
)  # fmt: skip
_COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}

# Names and attributes; a longer header is read into memory, and parsed in quadratic time.
_MAX_HEADER_BYTES = 1 << 14
_HEADERS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip
MAX_TEXT_BYTES = 1 << 20


class _Bounded(tarfile.TarInfo):
    """A member whose header is believed only as far as it can be true."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Bounded:
        try:
            member = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if not any(buf):
                raise  # the mark at the end
            # Behind the first member tarfile takes such a header for the end, and says nothing.
            raise tarfile.ReadError(str(error)) from None
        if member.size < 0:
            raise tarfile.ReadError("a size below zero")
        if member.type in _HEADERS and member.size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {member.size:,} bytes")
        return member


@dataclass
class TarMembers:
    """Goes through one archive.

    Attributes:
        file: The archive.
        shown: What it is called in the paths of its samples.
        skipped: Where a damaged archive breaks off is noted here.
    """

    file: Path
    shown: str
    skipped: list[Skipped]

    @property
    def is_compressed(self) -> bool:
        """Whether its members come in order only; by its first bytes, whatever it is called."""
        try:
            with self.file.open("rb") as stream:
                return _opener(stream) is not None
        except OSError as error:
            refuse_unreachable(self.shown, error)
            return False

    def members(
        self, spool: Spool | None, wants_text: Callable[[str], bool]
    ) -> Iterator[tuple[Member, bytes]]:
        """Each member, with its text where that is wanted.

        Args:
            spool: Takes the images of a compressed archive.
            wants_text: Tells by a name whether the content is needed now.

        Raises:
            InputError: It is no archive, or a member's name leads out of it.
        """
        linked: dict[str, Member] = {}
        reached = False
        try:
            for info, stream in self._walk():
                name = inner_name(info.name, self.shown)
                text = b""
                if info.isdir():
                    member = Member(name, is_folder=True)
                elif info.islnk():
                    member = _hard_link(name, linked.get(_normal(info.linkname)))
                else:
                    member, text = self._member(info, name, stream, spool, wants_text(name))
                    linked[name] = member
                reached = True
                yield member, text
        except (*_DAMAGE, OSError) as error:
            self._end(error, reached=reached)

    def contents(self) -> Iterator[bytes]:
        """The images' bytes, in order.

        Raises:
            InputError: It cannot be read any more.
        """
        try:
            for info, stream in self._walk():
                if info.isreg() and not info.issparse() and info.size <= MAX_ENCODED_BYTES:
                    start = stream.read(min(info.size, SNIFFED_BYTES))
                    if looks_like_image(info.name, start):
                        yield start + stream.read(info.size - len(start))
        except (*_DAMAGE, OSError) as error:
            self._end(error, reached=True)

    def _end(self, error: Exception, *, reached: bool) -> None:
        """What an error means: the end of what can be read, or that nothing can.

        Raises:
            InputError: Nothing can be read.
        """
        reason = str(error) or "it ends early"
        if isinstance(error, OSError) and error.errno is not None:
            refuse_unreachable(self.shown, error)
            reason = error.strerror or reason
            raise InputError(f"cannot read '{self.shown}': {reason}") from error
        if not reached:
            refuse_pointer(self.file)
            raise InputError(
                f"'{self.shown}' is no tar archive that can be read: {reason}",
                "read are .tar, .tar.gz, .tar.bz2, .tar.xz and .zip; unpack anything else",
            ) from error
        noted = Skipped(self.shown, f"the archive is damaged from here on: {reason}")
        if noted not in self.skipped:
            self.skipped.append(noted)

    def _member(
        self, info: tarfile.TarInfo, name: str, stream: BinaryIO, spool: Spool | None, wanted: bool
    ) -> tuple[Member, bytes]:
        if info.issym():
            return Member(name, link=info.linkname), b""
        if not info.isreg() or info.issparse():
            return Member(name, problem="not a regular file"), b""
        if info.size > (MAX_TEXT_BYTES if wanted else MAX_ENCODED_BYTES):
            return Member(name, problem=f"oversized: {info.size:,} bytes"), b""
        start = stream.read(min(info.size, SNIFFED_BYTES))
        is_image = looks_like_image(name, start)
        data = start + stream.read(info.size - len(start)) if is_image or wanted else start
        if (is_image or wanted) and len(data) < info.size:
            return Member(name, start, problem="the archive ends inside it"), b""
        content = Span(self.file, info.offset_data, info.size)
        if not is_image:
            return Member(name, start, content), data if wanted else b""
        digest = sha256(data).hexdigest()
        if spool is not None:
            content = spool.place(digest, info.size)
        return Member(name, start, content, digest), b""

    def _walk(self) -> Iterator[tuple[tarfile.TarInfo, BinaryIO]]:
        """The headers, each with a stream that stands at its content.

        Raises:
            OSError: It cannot be read.
        """
        with self.file.open("rb") as packed:
            opener = _opener(packed)
            if opener is None:
                with tarfile.open(fileobj=packed, mode="r:", tarinfo=_Bounded) as archive:
                    yield from self._walk_archive(archive, 0)
                return
            n_packed = self.file.stat().st_size
            # A stream that only goes forwards: a step back would decompress all anew.
            with (
                opener(packed) as unpacked,
                tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_Bounded) as archive,
            ):
                yield from self._walk_archive(archive, n_packed)

    def _walk_archive(
        self, archive: tarfile.TarFile, n_packed: int
    ) -> Iterator[tuple[tarfile.TarInfo, BinaryIO]]:
        reached = n_members = 0
        stream = cast("BinaryIO", archive.fileobj)
        while (info := archive.next()) is not None:
            _check_progress(archive, info, reached)
            reached = archive.offset
            n_members += 1
            refuse_many(self.shown, n_members)
            if n_packed:
                refuse_bomb(self.shown, n_packed, info.offset_data + info.size)
            else:
                stream.seek(info.offset_data)
            yield info, stream
            archive.members = []  # type: ignore[attr-defined]  # it would keep every member of a large archive in memory


def _opener(stream: BinaryIO) -> Callable[[BinaryIO], Any] | None:
    """What decompresses a stream, which stays at its start; None where nothing has to."""
    start = stream.read(max(map(len, _COMPRESSED)))
    stream.seek(0)
    return next((open_ for mark, open_ in _COMPRESSED.items() if start.startswith(mark)), None)


def _hard_link(name: str, end: Member | None) -> Member:
    if end is None or end.content is None:
        return Member(name, problem="a hard link to nothing that is read")
    return dataclasses.replace(end, name=name)


def _normal(name: str) -> str:
    return PurePosixPath(name).as_posix()


def _check_progress(archive: tarfile.TarFile, member: tarfile.TarInfo, reached: int) -> None:
    """See that the next member lies behind this one: an extended header may state another size."""
    if member.size < 0 or archive.offset <= max(reached, member.offset):
        raise tarfile.ReadError(f"a member of {member.size:,} bytes")
