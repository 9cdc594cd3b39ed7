"""Temporary folders that are gone even when the process ends without unwinding."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

_folders: set[Path] = set()
_owner = os.getpid()


class TemporaryFolder:
    """A folder that lasts as long as this object, or its ``with`` block, at most.

    Attributes:
        path: Where it is.
    """

    def __init__(self) -> None:
        import shutil  # noqa: F401  removing must not need an import at the end
        import tempfile

        self.path = Path(tempfile.mkdtemp(prefix="featrank-"))
        _folders.add(self.path)
        self._remove = weakref.finalize(self, _remove, self.path, os.getpid())

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self._remove()


def remove_temporary_folders() -> None:
    """Remove all that this process has; for the moment before it ends at once."""
    if os.getpid() == _owner:
        for path in list(_folders):
            _remove(path, _owner)


def _remove(path: Path, owner: int) -> None:
    if os.getpid() != owner:  # a forked process has only borrowed it
        return
    import shutil

    shutil.rmtree(path, ignore_errors=True)
    _folders.discard(path)
