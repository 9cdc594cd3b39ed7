"""Folders and files that are gone even when the process ends without unwinding."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

_paths: set[Path] = set()
_owner = os.getpid()


class TemporaryFolder:
    """A folder that lasts as long as this object, or its ``with`` block, at most.

    Attributes:
        path: Where it is.
    """

    def __init__(self) -> None:
        import tempfile

        self.path = Path(tempfile.mkdtemp(prefix="featrank-"))
        remove_at_the_end(self.path)
        self._remove = weakref.finalize(self, _remove, self.path, os.getpid())

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self._remove()


def remove_at_the_end(path: Path) -> None:
    """A file or folder of ours that must not outlive this process, however that ends."""
    import shutil  # noqa: F401  removing must not need an import at the end

    _paths.add(path)


def remove_temporaries() -> None:
    """Remove all that this process has; for the moment before it ends at once."""
    if os.getpid() == _owner:
        for path in list(_paths):
            _remove(path, _owner)


def _remove(path: Path, owner: int) -> None:
    if os.getpid() != owner:  # a forked process has only borrowed it
        return
    import shutil

    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    _paths.discard(path)
