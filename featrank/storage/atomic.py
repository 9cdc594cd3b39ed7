"""Files that are whole or absent: written beside their name, flushed to disk, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from featrank.storage.refusals import NOT_OFFERED

# Temporary names start with a dot and end like this, so that a listing can pass them over.
TEMPORARY_SUFFIX = ".tmp"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path that becomes ``path`` when the block ends well, and vanishes otherwise.

    Raises:
        OSError: No room, no permission, or no such folder.
    """
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name[:100]}.", suffix=TEMPORARY_SUFFIX
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream, _where_offered():
            os.fsync(stream.fileno())
        # mkstemp's 0600 would keep a shared cache from everyone else; some file systems have no
        # mode bits, and the content is right without.
        umask = os.umask(0)
        os.umask(umask)
        with suppress(OSError):
            temporary.chmod(0o666 & ~umask)
        _put_in_place(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


@contextmanager
def _where_offered() -> Iterator[None]:
    """Let it pass where the file system lacks an operation."""
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise


def _put_in_place(temporary: Path, path: Path) -> None:
    """Rename; where the file system has no renaming, copy: better not atomic than not at all."""
    try:
        temporary.replace(path)
    except OSError as error:
        if error.errno not in NOT_OFFERED - {errno.EINVAL}:
            raise
        try:
            shutil.copyfile(temporary, path)
        except OSError:
            raise error from None
        with suppress(OSError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, making its folder.

    Raises:
        OSError: No room or no permission.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically into a folder that is there.

    Raises:
        OSError: No room, no permission, or no such folder.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _sync_directory(directory: Path) -> None:
    """Make the rename itself durable; file systems that cannot are left as they are."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
