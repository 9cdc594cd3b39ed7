"""Content hashes of files, remembered by (path, size, mtime, ctime, inode).

Hashing thousands of images on every run costs seconds; a file whose status has not changed has
not changed. The memory is a convenience: where it cannot be read or written, files are hashed. It
is also a claim: each row carries a checksum, and a database with anything else in it is set aside.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from featrank.storage.contained import ClaimError, open_file, sole_file
from featrank.storage.damage import put_away
from featrank.storage.named_files import open_regular

# A file changed this recently may change again within one tick of the file system's clock.
_RACY_NS = 100_000_000

_SCHEMA = """CREATE TABLE file_hashes_2 (
    path BLOB PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER,
    sha256 TEXT NOT NULL, seal TEXT NOT NULL
) WITHOUT ROWID"""

# What older releases kept, without seals: replaced.
_OLD_TABLE = "file_hashes"
_JOURNAL = "-journal"
_SIDE_FILES = (_JOURNAL, "-wal", "-shm")
# The end of a journal that names a journal above it, as of transactions over several databases:
# SQLite rolls back and then removes that file, wherever it is. We make no such transactions.
_JOURNAL_ABOVE = bytes.fromhex("d9d505f920a163d7")

_Remembered = tuple[int, int, int, int, str]
_Recall = Callable[[bytes], _Remembered | None]


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes.

    Raises:
        OSError: It is no regular file, or cannot be read.
    """
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class FileHashes:
    """Remembers the hashes of files.

    Args:
        database: The SQLite file to remember in, or None to hash every time.
    """

    def __init__(self, database: Path | None = None) -> None:
        self._database = database

    @property
    def folder(self) -> Path | None:
        """Where it is remembered; other things that are known of contents may lie beside it."""
        return None if self._database is None else self._database.parent

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
        with self._connected(make=False) as connection:
            query = (
                "SELECT size, mtime, ctime, inode, sha256, seal FROM file_hashes_2 WHERE path = ?"
            )

            def recall(key: bytes) -> _Remembered | None:
                if connection is None:
                    return None
                try:
                    row = connection.execute(query, (key,)).fetchone()
                except (sqlite3.Error, ValueError):
                    return None
                if row is None or row[5] != _seal(key, row[:5]):
                    return None
                known: _Remembered = row[:5]
                return known

            yield recall

    def _remember(self, rows: list[tuple[bytes | int | str, ...]]) -> None:
        if self._database is None or not rows:
            return
        sealed = [(*row, _seal(row[0], row[1:])) for row in rows]
        with self._connected(make=True) as connection, suppress(sqlite3.Error, OSError):
            if connection is not None:
                with connection:
                    connection.executemany(
                        "INSERT OR REPLACE INTO file_hashes_2 VALUES (?, ?, ?, ?, ?, ?, ?)", sealed
                    )

    @contextmanager
    def _connected(self, *, make: bool) -> Iterator[sqlite3.Connection | None]:
        """The database, where it is there and ours; what is not is set aside."""
        connection = None
        try:
            connection = self._connect(make=make)
        except ClaimError as error:
            for path in self._files():
                if os.path.lexists(path):
                    put_away(path.parent, path, error)
        except (sqlite3.Error, OSError):
            pass  # busy, a full disk, no permission
        try:
            yield connection
        finally:
            if connection is not None:
                connection.close()

    def _files(self) -> list[Path]:
        """The database and what SQLite keeps beside it."""
        path = self._database
        return [] if path is None else [path.with_name(path.name + s) for s in ("", *_SIDE_FILES)]

    def _connect(self, *, make: bool) -> sqlite3.Connection | None:
        path = self._database
        if path is None:
            return None
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
        for file in self._files():
            with suppress(FileNotFoundError):
                sole_file(path.parent, file)
                if file.name.endswith(_JOURNAL):
                    _refuse_journal_above(file)
        if not make and not path.exists():
            return None
        connection = sqlite3.connect(path, timeout=10)
        try:
            _check_schema(connection, make=make)
        except sqlite3.DatabaseError as error:
            connection.close()
            # This very class means a damaged file; its subclasses are locks, full disks and the
            # like.
            if type(error) is sqlite3.DatabaseError:
                raise ClaimError(str(error)) from error
            raise
        except BaseException:
            connection.close()
            raise
        return connection


def _refuse_journal_above(journal: Path) -> None:
    """See that a journal names no file that SQLite would remove.

    Raises:
        ClaimError: It does.
        OSError: It cannot be read.
    """
    with open_file(journal.parent, journal) as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - len(_JOURNAL_ABOVE)))
        if stream.read() == _JOURNAL_ABOVE:
            raise ClaimError(f"{journal.name} names another file")


def _check_schema(connection: sqlite3.Connection, *, make: bool) -> None:
    """See that there is one table and nothing else: a view or a trigger may compute for ever.

    Raises:
        ClaimError: There is something else.
        sqlite3.Error: It cannot be read, or not be made.
    """
    there = connection.execute("SELECT type, name, sql FROM sqlite_master LIMIT 3").fetchall()
    if [(kind, name) for kind, name, _ in there] == [("table", _OLD_TABLE)]:
        if not make:
            raise sqlite3.OperationalError("an older release's")
        connection.execute(f"DROP TABLE {_OLD_TABLE}")
        there = []
    if not there and make:
        connection.execute(_SCHEMA)
    elif [(kind, sql) for kind, _, sql in there] != [("table", _SCHEMA)]:
        if there:
            raise ClaimError("not a memory of file hashes")
        raise sqlite3.OperationalError("empty")


def _seal(key: object, row: tuple[object, ...]) -> str:
    """Checksum of a row."""
    return hashlib.sha256(repr((key, *row)).encode()).hexdigest()[:16]


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
