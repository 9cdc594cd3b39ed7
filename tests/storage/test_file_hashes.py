"""A file is read once, and again when it has changed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import struct
import time
from pathlib import Path

import pytest

from featrank.storage import file_hashes
from featrank.storage.file_hashes import FileHashes, hash_file

LONG_AGO = 1_000_000_000


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are read; a change counts as old at once."""
    seen: list[Path] = []

    def count(path: Path) -> str:
        seen.append(path)
        return hash_file(path)

    monkeypatch.setattr(file_hashes, "hash_file", count)
    monkeypatch.setattr(file_hashes, "_RACY_NS", -(10**12))
    return seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def hashes(tmp_path: Path) -> FileHashes:
    return FileHashes(tmp_path / "memory" / "hashes.sqlite")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_second_time_reads_nothing(file: Path, hashes: FileHashes, reads: list[Path]) -> None:
    assert hashes.get(file) == hashes.get(file) == sha256(b"one")
    assert reads == [file]


def test_without_a_memory(file: Path, reads: list[Path]) -> None:
    assert FileHashes().get(file) == FileHashes().get(file) == sha256(b"one")
    assert len(reads) == 2


def test_changed_content_of_equal_size_and_time(
    file: Path, hashes: FileHashes, reads: list[Path]
) -> None:
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert hashes.get(file) == sha256(b"one")
    file.write_bytes(b"two")
    os.utime(file, (LONG_AGO, LONG_AGO))  # the time of the last status change still tells
    assert hashes.get(file) == sha256(b"two")


def test_replaced_file(file: Path, hashes: FileHashes, reads: list[Path]) -> None:
    hashes.get(file)
    other = file.with_name("b")
    other.write_bytes(b"two")
    other.replace(file)
    assert hashes.get(file) == sha256(b"two")


def test_fresh_files_are_not_remembered(file: Path, tmp_path: Path) -> None:
    database = tmp_path / "hashes.sqlite"
    FileHashes(database).get(file)
    assert not database.exists()


def test_relative_and_absolute_are_one(
    file: Path, hashes: FileHashes, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    hashes.get(file)
    hashes.get(Path("a"))
    assert len(reads) == 1


def test_missing_file_leaves_the_others(file: Path, hashes: FileHashes) -> None:
    missing = file.with_name("missing")
    found = hashes.get_many([missing, file])
    assert isinstance(found[missing], FileNotFoundError)
    assert found[file] == sha256(b"one")
    with pytest.raises(FileNotFoundError):
        hashes.get(missing)


def test_damaged_memory_is_replaced(file: Path, tmp_path: Path, reads: list[Path]) -> None:
    database = tmp_path / "hashes.sqlite"
    database.write_bytes(b"not a database" * 1000)
    hashes = FileHashes(database)
    for _ in range(3):
        assert hashes.get(file) == sha256(b"one")
    assert len(reads) == 1
    assert (tmp_path / "damaged" / "hashes.sqlite").is_file()


def test_memory_that_cannot_be_written(file: Path, reads: list[Path]) -> None:
    hashes = FileHashes(file / "below a file" / "hashes.sqlite")
    assert hashes.get(file) == sha256(b"one")


def test_memory_that_is_a_folder(file: Path, tmp_path: Path, reads: list[Path]) -> None:
    (tmp_path / "folder").mkdir()
    assert FileHashes(tmp_path / "folder").get(file) == sha256(b"one")


def test_memory_without_its_table(file: Path, tmp_path: Path, reads: list[Path]) -> None:
    database = tmp_path / "hashes.sqlite"
    sqlite3.connect(database).close()
    database.touch()
    hashes = FileHashes(database)
    assert hashes.get(file) == hashes.get(file) == sha256(b"one")
    assert len(reads) == 1


def test_interrupted_work_is_kept(
    file: Path, hashes: FileHashes, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def paths():
        yield file
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hashes.get_many(paths())
    hashes.get(file)
    assert reads == [file]


def test_name_that_is_not_utf8(tmp_path: Path, hashes: FileHashes, reads: list[Path]) -> None:
    path = tmp_path / os.fsdecode(b"\xff.png")
    try:
        path.write_bytes(b"one")
    except OSError:
        pytest.skip("this file system wants UTF-8 names")
    assert hashes.get(path) == hashes.get(path) == sha256(b"one")
    assert len(reads) == 1


def test_another_hash_in_the_memory_is_not_believed(
    file: Path, tmp_path: Path, hashes: FileHashes, reads: list[Path]
) -> None:
    os.utime(file, (LONG_AGO, LONG_AGO))
    time.sleep(0.15)  # the time of the last status change tells too
    hashes.get(file)
    with sqlite3.connect(tmp_path / "memory" / "hashes.sqlite") as connection:
        assert connection.execute("UPDATE file_hashes_2 SET sha256 = 'ff'").rowcount == 1
    reads.clear()
    assert hashes.get(file) == sha256(b"one")
    assert reads == [file]


def test_a_view_that_never_ends_is_set_aside(file: Path, tmp_path: Path) -> None:
    database = tmp_path / "hashes.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE VIEW file_hashes_2 AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
            " FROM n) SELECT i AS path, i AS size, 0 AS mtime, 0 AS ctime, 0 AS inode, '' AS sha256"
            ", '' AS seal FROM n"
        )
    assert FileHashes(database).get(file) == sha256(b"one")
    assert (tmp_path / "damaged" / "hashes.sqlite").is_file()


@pytest.mark.parametrize("name", ["hashes.sqlite", "hashes.sqlite-journal", "hashes.sqlite-wal"])
def test_a_link_is_not_followed(file: Path, tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / name).symlink_to(victim)
    time.sleep(0.15)
    hashes = FileHashes(tmp_path / "cache" / "hashes.sqlite")
    assert hashes.get(file) == hashes.get(file) == sha256(b"one")
    assert not victim.exists()


def test_a_journal_that_names_another_file_does_not_remove_it(
    file: Path, hashes: FileHashes, tmp_path: Path, reads: list[Path]
) -> None:
    hashes.get(file)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    name = os.fsencode(victim)
    # https://www.sqlite.org/fileformat.html: a header, then the name of a super-journal.
    magic = bytes.fromhex("d9d505f920a163d7")
    header = (magic + struct.pack(">5I", 0, 1, 2, 512, 4096)).ljust(512, b"\0")
    page = struct.pack(">I", 0x40000000 // 4096 + 1)
    trailer = page + name + struct.pack(">II", len(name), sum(name)) + magic
    journal = tmp_path / "memory" / "hashes.sqlite-journal"
    journal.write_bytes(header + trailer)
    assert hashes.get(file) == hashes.get(file) == sha256(b"one")
    assert victim.read_text() == "precious"
    assert (tmp_path / "memory" / "damaged" / journal.name).is_file()
    assert len(reads) == 2  # the memory was made anew, and remembers


@pytest.mark.parametrize("side", ["", "-journal", "-wal", "-shm"])
def test_a_hard_link_is_not_written_through(
    file: Path, tmp_path: Path, reads: list[Path], side: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"\0" * 3001 if side else b"")
    before = victim.read_bytes()
    database = tmp_path / "cache" / "hashes.sqlite"
    database.parent.mkdir()
    if side:
        FileHashes(database).get(file)
    database.with_name(database.name + side).hardlink_to(victim)
    (tmp_path / "b").write_bytes(b"two")
    assert FileHashes(database).get(tmp_path / "b") == sha256(b"two")  # written to the memory
    assert FileHashes(database).get(file) == sha256(b"one")
    assert victim.read_bytes() == before


def test_the_memory_of_an_older_release_is_replaced(
    file: Path, tmp_path: Path, reads: list[Path]
) -> None:
    database = tmp_path / "hashes.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE file_hashes (path BLOB PRIMARY KEY, sha256 TEXT) WITHOUT ROWID"
        )
    time.sleep(0.15)
    hashes = FileHashes(database)
    assert hashes.get(file) == hashes.get(file) == sha256(b"one")
    assert len(reads) == 1
    assert not (tmp_path / "damaged").exists()
