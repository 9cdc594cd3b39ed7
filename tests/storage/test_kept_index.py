from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from featrank.storage.kept_index import kept_or_made
from featrank.storage.kept_json import write_kept


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    size: tuple[int, int]


SHAPE = tuple[Entry, ...]
ENTRIES = (Entry("a", (1, 2)), Entry("b", (3, 4)))


def read(folder: Path | None, number: int = 1) -> tuple[tuple[Entry, ...], bool]:
    """What is had, and whether it was made."""
    made: list[bool] = []

    def make() -> tuple[Entry, ...]:
        made.append(True)
        return ENTRIES

    return kept_or_made(folder, "sub/index.json", {"format": number}, SHAPE, make), bool(made)


def test_it_is_made_once_for_a_key(tmp_path: Path) -> None:
    assert read(tmp_path) == (ENTRIES, True)
    assert read(tmp_path) == (ENTRIES, False)
    assert read(tmp_path, 2) == (ENTRIES, True)
    assert not (tmp_path / "damaged").exists()
    assert read(None) == (ENTRIES, True)


def test_one_that_holds_nothing_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(tmp_path)
    write_kept(tmp_path / "sub" / "index.json", {"key": {"format": 1}, "content": []})
    assert read(tmp_path) == (ENTRIES, True)
    assert "is empty" in caplog.text


def test_a_flipped_bit_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(tmp_path)
    path = tmp_path / "sub" / "index.json"
    whole = path.read_bytes()
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << (position % 8)
        path.write_bytes(flipped)
        assert read(tmp_path)[0] == ENTRIES
    assert "damaged cache file set aside: index.json" in caplog.text
    assert (tmp_path / "damaged" / "sub" / "index.json").exists()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "sub" / "index.json")
    assert read(tmp_path) == (ENTRIES, True)


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "sub").symlink_to(outside)
    assert read(root) == (ENTRIES, True)
    assert not list(outside.iterdir())


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert read(tmp_path / "file") == (ENTRIES, True)
