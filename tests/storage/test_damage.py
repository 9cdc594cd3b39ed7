"""Damage is moved where nothing reads it, and never what a link leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from featrank.storage.contained import ClaimError
from featrank.storage.damage import put_away, set_aside


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "a").mkdir(parents=True)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("precious")
    return tmp_path / "root"


def test_a_file_is_moved_and_a_second_one_beside_it(root: Path) -> None:
    for content in ("one", "two"):
        (root / "a" / "file").write_text(content)
        set_aside(root, root / "a" / "file")
    aside = root / "damaged" / "a"
    assert [(aside / name).read_text() for name in ("file", "file.1")] == ["one", "two"]
    set_aside(root, root / "a" / "file")
    assert len(list(aside.iterdir())) == 2


def test_a_link_is_moved_itself(root: Path) -> None:
    (root / "a" / "link").symlink_to(root.parent / "victim")
    set_aside(root, root / "a" / "link")
    assert (root / "damaged" / "a" / "link").is_symlink()
    assert (root.parent / "victim" / "file").read_text() == "precious"


def test_nothing_is_moved_out_or_in_through_a_link(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "out").symlink_to(root.parent / "victim")
    (root / "a" / "file").write_text("one")
    for path in (root / "out" / "file", root.parent / "victim" / "file", root / ".." / "victim"):
        with pytest.raises(ClaimError):
            set_aside(root, path)
    (root / "damaged").symlink_to(root.parent / "victim")
    with pytest.raises(ClaimError):
        set_aside(root, root / "a" / "file")
    put_away(root, root / "a" / "file", "torn")
    assert "torn" in caplog.text
    assert "file set aside" not in caplog.text
    assert "damaged cache file file, which could not be set aside (" in caplog.text
    assert [path.name for path in (root.parent / "victim").iterdir()] == ["file"]
    assert (root / "a" / "file").read_text() == "one"


def test_what_happened_is_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "a" / "file").write_text("one")
    put_away(root, root / "a" / "file", "torn")
    assert "damaged cache file set aside: file: torn" in caplog.text
    caplog.clear()
    put_away(root, root / "a" / "file", "torn")
    assert "damaged cache file, gone by now: file: torn" in caplog.text
