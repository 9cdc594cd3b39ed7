"""Who may write an entry, and which entries running processes still need.

Both rest on locks that the operating system drops when their owner dies, however it dies.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from featrank.storage.atomic import write_text

_GUARD = "guard.lock"


class Busy(Exception):  # noqa: N818 (a state, not an error)
    """Another process holds the lock."""


@contextmanager
def extraction_lock(root: Path, entry: str, *, wait: bool) -> Iterator[None]:
    """Hold the right to write one entry.

    Args:
        root: The cache directory.
        entry: The entry's hash.
        wait: Whether to wait for the process that holds it.

    Raises:
        Busy: Another process holds it, and we do not wait.
        OSError: The lock file cannot be made.
    """
    path = root / "locks" / f"{entry}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    # One lock a path in this process, so that holding it twice is no deadlock.
    lock = FileLock(path, is_singleton=True)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        raise Busy(entry) from None
    try:
        yield
    finally:
        lock.release()


class Lease:
    """Tells other processes which entries this one needs, until it ends.

    A lease is a locked file with a list beside it. A lease whose lock can be taken has no owner
    any more. In a cache that cannot be written there is nothing to guard against.

    Args:
        root: The cache directory.
    """

    def __init__(self, root: Path) -> None:
        self._folder = root / "leases"
        self._name = uuid.uuid4().hex
        self._entries: set[str] = set()
        self._lock: FileLock | None = None

    def add(self, *entries: str) -> None:
        """Keep these entries from being pruned."""
        if self._entries.issuperset(entries):
            return
        self._entries.update(entries)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / _GUARD):
                if self._lock is None:
                    self._lock = FileLock(self._folder / f"{self._name}.lock", timeout=0)
                    self._lock.acquire()
                write_text(self._folder / f"{self._name}.json", json.dumps(sorted(self._entries)))

    def close(self) -> None:
        """Let go of all of them."""
        if self._lock is not None:
            with suppress(OSError):
                self._lock.release()
                _remove(self._folder, self._name)
            self._lock = None


@contextmanager
def leased_entries(root: Path) -> Iterator[set[str]]:
    """The entries that running processes need; while the block runs, none can be added.

    Raises:
        OSError: The cache cannot be written.
    """
    folder = root / "leases"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _GUARD):
        needed: set[str] = set()
        for path in folder.glob("*.json"):
            lock = FileLock(path.with_suffix(".lock"), timeout=0)
            try:
                lock.acquire()
            except Timeout:
                needed.update(json.loads(path.read_text()))
            else:
                lock.release()
                _remove(folder, path.stem)
        yield needed


def _remove(folder: Path, name: str) -> None:
    for suffix in (".json", ".lock"):
        (folder / f"{name}{suffix}").unlink(missing_ok=True)
