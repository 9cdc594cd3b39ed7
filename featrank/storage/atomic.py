"""Files that are whole or absent: written beside their name, flushed to disk, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        # mkstemp's 0600 would keep a shared cache from everyone else.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


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
