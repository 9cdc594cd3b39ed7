"""Content hashes of files, remembered by (path, size, mtime, ctime, inode).

Hashing thousands of images on every run costs seconds; a file whose status has not changed has
not changed. The memory is a convenience: where it cannot be read or written, files are hashed.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

# A file changed this recently may change again within one tick of the file system's clock.
_RACY_NS = 100_000_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS file_hashes (
    path BLOB PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER,
    sha256 TEXT NOT NULL
) WITHOUT ROWID
"""

_Remembered = tuple[int, int, int, int, str]
_Recall = Callable[[bytes], _Remembered | None]


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class FileHashes:
    """Remembers the hashes of files.

    Args:
        database: The SQLite file to remember in, or None to hash every time.
    """

    def __init__(self, database: Path | None = None) -> None:
        self._database = database

    def get(self, path: Path) -> str:
        """SHA-256 of one file.

        Raises:
            OSError: The file cannot be read.
        """
        result = self.get_many([path])[path]
        if isinstance(result, OSError):
            raise result
        return result

    def get_many(self, paths: Iterable[Path]) -> dict[Path, str | OSError]:
        """SHA-256 of each file, or the error that reading it gave."""
        results: dict[Path, str | OSError] = {}
        fresh: list[tuple[bytes | int | str, ...]] = []
        try:
            with self._open() as recall:
                for path in paths:
                    try:
                        results[path] = _hash_or_recall(path, recall, fresh)
                    except OSError as error:
                        results[path] = error
        finally:  # what an interrupted run has hashed is not hashed again
            self._remember(fresh)
        return results

    @contextmanager
    def _open(self) -> Iterator[_Recall]:
        """A function from a path to what is remembered of it."""
        try:
            found = self._database is not None and self._database.is_file()
            connection = sqlite3.connect(str(self._database), timeout=10) if found else None
        except (sqlite3.Error, OSError):
            connection = None
        if connection is None:
            yield lambda _: None
            return
        query = "SELECT size, mtime, ctime, inode, sha256 FROM file_hashes WHERE path = ?"

        def recall(key: bytes) -> _Remembered | None:
            try:
                row: _Remembered | None = connection.execute(query, (key,)).fetchone()
            except sqlite3.Error:
                return None
            return row

        with closing(connection):
            yield recall

    def _remember(self, rows: list[tuple[bytes | int | str, ...]]) -> None:
        if self._database is None or not rows:
            return
        try:
            self._database.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._database, timeout=10)) as connection, connection:
                connection.execute(_SCHEMA)
                connection.executemany(
                    "INSERT OR REPLACE INTO file_hashes VALUES (?, ?, ?, ?, ?, ?)", rows
                )
        except (sqlite3.Error, OSError) as error:
            # This very class means a damaged file (its subclasses are locks, full disks and the
            # like); without it the next run starts a new one.
            if type(error) is sqlite3.DatabaseError:
                self._database.unlink(missing_ok=True)


def _hash_or_recall(path: Path, recall: _Recall, fresh: list[tuple[bytes | int | str, ...]]) -> str:
    """One file's hash; a row to remember joins ``fresh``.

    Raises:
        OSError: The file cannot be read.
    """
    status = path.stat()
    key = os.fsencode(path.absolute())
    identity = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    known = recall(key)
    if known is not None and known[:4] == identity:
        return known[4]
    started = time.time_ns()
    sha256 = hash_file(path)
    if max(status.st_mtime_ns, status.st_ctime_ns) < started - _RACY_NS:
        fresh.append((key, *identity, sha256))
    return sha256
