"""Who may write an entry, and which entries running processes still need.

Both rest on locks that the operating system drops when their owner dies, however it dies.
"""

from __future__ import annotations

import errno
import functools
import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from featrank.storage.atomic import write_text
from featrank.storage.contained import ClaimError, contained, open_file, regular_file, sole_file
from featrank.storage.damage import put_away
from featrank.storage.kept_json import parse_json, typed
from featrank.storage.refusals import NOT_OFFERED
from featrank.storage.temporary import remove_at_the_end

log = logging.getLogger("featrank")

_LEASES, _GUARD = "leases", "guard.lock"
_LEASE_SUFFIXES = (".json", ".lock")
_LONGEST_LIST = 2**24


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
    # One lock a path in this process, so that holding it twice is no deadlock.
    lock = FileLock(_own(root, root / "locks" / f"{entry}.lock"), is_singleton=True)
    try:
        _acquire(lock, timeout=-1 if wait else 0)
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
        self._root = root
        self._folder = root / _LEASES
        self._name = uuid.uuid4().hex
        self._entries: set[str] = set()
        self._lock: FileLock | None = None

    def add(self, *entries: str) -> None:
        """Keep these entries from being pruned."""
        if self._entries.issuperset(entries):
            return
        self._entries.update(entries)
        with suppress(OSError), _guard(self._root):
            if self._lock is None:
                for suffix in _LEASE_SUFFIXES:
                    remove_at_the_end(self._folder / f"{self._name}{suffix}")
                self._lock = FileLock(self._folder / f"{self._name}.lock")
                _acquire(self._lock, timeout=0)
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
    folder = root / _LEASES
    with _guard(root):
        needed: set[str] = set()
        for path in folder.glob("*.json"):
            try:
                regular_file(root, path)
            except FileNotFoundError:
                continue
            except ClaimError as error:
                put_away(root, path, error)
                continue
            lock = FileLock(_own(root, path.with_suffix(".lock")))
            try:
                _acquire(lock, timeout=0)
            except Timeout:
                needed.update(_listed(root, path))
            else:
                lock.release()
                _remove(folder, path.stem)
        yield needed


def _listed(root: Path, path: Path) -> list[str]:
    """The entries of a lease; none where it is no list of ours."""
    try:
        with open_file(root, path) as stream:
            return typed(parse_json(stream.read(_LONGEST_LIST + 1), _LONGEST_LIST), list[str])
    except FileNotFoundError:
        return []
    except ClaimError as error:
        put_away(root, path, error)
        return []


@contextmanager
def _guard(root: Path) -> Iterator[None]:
    """While the block runs, no other process changes the leases."""
    lock = FileLock(_own(root, root / _LEASES / _GUARD))
    _acquire(lock, timeout=-1)
    try:
        yield
    finally:
        lock.release()


def _own(root: Path, path: Path) -> Path:
    """A lock's path in a folder of ours; what else has its name is set aside.

    Raises:
        OSError: The folder cannot be made, or leads out of the root.
    """
    try:
        contained(root, path.parent).mkdir(parents=True, exist_ok=True)
        try:
            sole_file(root, path)  # a lock may be emptied when it is taken
        except FileNotFoundError:
            pass
        except ClaimError as error:
            put_away(root, path, error)
    except ClaimError as error:
        raise OSError(errno.ELOOP, str(error)) from error
    return path


def _acquire(lock: FileLock, timeout: float) -> None:
    """Take a lock; where the file system grants none, go on without, and say so once.

    Every file is written whole, so that two processes at the same entry only do the work twice.

    Raises:
        Timeout: Somebody else has it.
        OSError: The file cannot be made.
    """
    try:
        lock.acquire(timeout=timeout)
    except NotImplementedError:  # how filelock says that there is no flock
        _say_no_locks()
    except OSError as error:
        if error.errno not in NOT_OFFERED - {errno.EPERM}:
            raise
        _say_no_locks()


@functools.cache
def _say_no_locks() -> None:
    log.warning(
        "warning: the cache's file system grants no locks: do not prune while another run is going"
    )


def _remove(folder: Path, name: str) -> None:
    for suffix in _LEASE_SUFFIXES:
        (folder / f"{name}{suffix}").unlink(missing_ok=True)
