"""Folders as they were: to see whether anything in them changed, and to put them back."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

Listing = dict[str, tuple[int, int, int, int]]


def walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder, links not followed, a folder before what is in it."""
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(root, name)


def listing(folder: Path, *without: Path) -> Listing:
    """Mode, size, time of change and inode of everything below a folder."""
    found: Listing = {}
    for path in walk(folder):
        if any(path.is_relative_to(left_out) for left_out in without):
            continue
        status = path.lstat()
        size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        when = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
        found[str(path)] = (status.st_mode, size, when, status.st_ino)
    return found


def difference(before: Listing, after: Listing) -> list[str]:
    """Paths that came, went or changed."""
    return sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))


class Snapshot:
    """A folder of files that can be put back as it was.

    Args:
        folder: It and all below it, which are folders and regular files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folders = [path for path in walk(folder) if path.is_dir()]
        self._files = {
            path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in walk(folder)
            if path.is_file()
        }

    def restore(self) -> None:
        """Put back what changed, take away what came; what is the same stays untouched."""
        known = {*self._folders, *self._files}
        for path in [path for path in walk(self._folder) if path not in known]:
            _remove(path)
        for folder in self._folders:
            if folder.is_symlink() or not folder.is_dir():
                _remove(folder)
                folder.mkdir()
        for path, (content, when) in self._files.items():
            if not _is_file(path) or path.read_bytes() != content:
                _remove(path)
                path.write_bytes(content)
            if path.stat().st_mtime_ns != when:
                os.utime(path, ns=(when, when))


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
