"""A ``.zip`` of an image folder, read as that folder would be."""

from __future__ import annotations

import errno
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from featrank.errors import InputError
from featrank.storage.named_files import open_regular
from featrank.targets._archive_tree import open_as_folder
from featrank.targets._file_names import printable
from featrank.targets._members import Member, inner_name, refuse_bomb, refuse_many
from featrank.targets._reach import refuse_unreachable
from featrank.targets._recognise import SNIFFED_BYTES, by_name
from featrank.targets._spans import MAX_ENCODED_BYTES
from featrank.targets._target import Access, Target

_UNIX = 3
_DOS = 0
_UTF_8_NAME = 0x800
_ENCRYPTED = 0x1
_MAX_LINK_BYTES = 4096
# What a file that lies makes zipfile raise beside OSError.
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, ValueError, RuntimeError,
    NotImplementedError, OverflowError, IndexError,
)  # fmt: skip
_METHODS = {
    zipfile.ZIP_STORED: "", zipfile.ZIP_DEFLATED: "", zipfile.ZIP_BZIP2: "", zipfile.ZIP_LZMA: "",
}  # fmt: skip


@lru_cache(maxsize=4)
def _opened(file: Path, _process: int) -> zipfile.ZipFile:
    """An archive with its list of members; each process has its own, with a place of its own."""
    return zipfile.ZipFile(open_regular(file))


@dataclass(frozen=True, slots=True)
class ZipContent:
    """One member's content.

    Attributes:
        file: The archive.
        number: The member's place in the archive's list.
    """

    file: Path
    number: int

    def read(self) -> bytes:
        """All of it.

        Raises:
            OSError: It cannot be read, or is damaged.
        """
        return self._read(-1)

    def start(self) -> bytes:
        """The first bytes; none where it cannot be read."""
        try:
            return self._read(SNIFFED_BYTES)
        except OSError:
            return b""

    def _read(self, n_bytes: int) -> bytes:
        try:
            archive = _opened(self.file, os.getpid())
            with archive.open(archive.infolist()[self.number]) as stream:
                return stream.read(n_bytes)
        except _DAMAGE as error:
            raise OSError(errno.EBADMSG, f"damaged ({' '.join(str(error).split())})") from error


def _name_of(info: zipfile.ZipInfo) -> str:
    """A member's name as unpacking it would give it.

    Names that are not marked as UTF-8 are bytes of any kind: a Unix keeps them as they are, and
    others are UTF-8 in practice where they can be.
    """
    name = info.orig_filename.partition("\0")[0]
    if not info.flag_bits & _UTF_8_NAME:
        try:
            raw = name.encode("cp437")
            name = os.fsdecode(raw) if info.create_system == _UNIX else raw.decode()
        except UnicodeError:
            pass  # as the format has it: code page 437
    if info.create_system == _DOS and "/" not in name:
        name = name.replace("\\", "/")
        if re.match(r"[A-Za-z]:/", name):
            name = f"/{name}"  # from the root of a drive: refused like any that leads out
    return name


def _members(file: Path, shown: str) -> Iterator[Member]:
    """All members.

    Raises:
        InputError: It is no such archive, or no archive of images.
    """
    try:
        status = file.stat()
        _opened.cache_clear()
        archive = _opened(file, os.getpid())
    except OSError as error:
        refuse_unreachable(shown, error)
        raise InputError(f"cannot read '{shown}': {error.strerror or error}") from error
    except _DAMAGE as error:
        raise InputError(
            f"'{shown}' is no .zip archive, or one that ends early: {error}", "fetch it again"
        ) from error
    infos = archive.infolist()
    refuse_many(shown, len(infos))
    files = [info for info in infos if not info.flag_bits & _ENCRYPTED]
    refuse_bomb(shown, status.st_size, sum(info.file_size for info in files))
    for number, info in enumerate(infos):
        name = _name_of(info)
        if name.endswith("/"):
            yield Member(inner_name(name, shown), is_folder=True)
        else:
            yield _member(inner_name(name, shown), info, ZipContent(file, number))


def _member(name: str, info: zipfile.ZipInfo, content: ZipContent) -> Member:
    problem = ""
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    if info.flag_bits & _ENCRYPTED:
        problem = "encrypted: unpack the archive with its password"
    elif info.compress_type not in _METHODS:
        how = zipfile.compressor_names.get(info.compress_type, f"method {info.compress_type}")  # type: ignore[attr-defined]
        problem = f"compressed by {how}, which is not read: unpack the archive"
    elif info.file_size > MAX_ENCODED_BYTES:
        problem = f"oversized: {info.file_size:,} bytes"
    elif stat.S_ISLNK(mode):
        return _link(name, info, content)
    elif mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        problem = "not a regular file"
    if problem:
        return Member(name, problem=problem)
    start = content.start() if by_name(name) is None else b""
    return Member(name, start, content)


def _link(name: str, info: zipfile.ZipInfo, content: ZipContent) -> Member:
    if info.file_size > _MAX_LINK_BYTES:
        return Member(name, problem="a link of more bytes than a path has")
    try:
        return Member(name, link=os.fsdecode(content.read()))
    except OSError as error:
        return Member(name, problem=f"cannot be read: {error.strerror}")


@dataclass(frozen=True)
class ZipArchive:
    """``--dataset FILE.zip``."""

    name: str = "zip_archive"
    reads: str = "a .zip of class folders"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """By the suffix."""
        return spec.lower().endswith(".zip") and not Path(spec).expanduser().is_dir()

    def open(self, spec: str, access: Access) -> Target:
        """Hash the images of one split.

        Raises:
            InputError: No such archive, a name that leads out of it, or no classes.
        """
        shown = printable(spec)
        file = Path(spec).expanduser().absolute()
        members = list(_members(file, shown))
        encrypted = sum(member.problem.startswith("encrypted") for member in members)
        if members and encrypted == len(members):
            raise InputError(
                f"all {encrypted} members of '{shown}' are encrypted",
                "unpack it with its password, and name the folder",
            )
        return open_as_folder(shown, members, access)


TARGET = ZipArchive()
