"""Nothing leads out of its folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from featrank.storage.contained import (
    ClaimError,
    contained,
    open_file,
    plain_name,
    regular_file,
    resolves_inside,
    sole_file,
    touch,
)


@pytest.mark.parametrize("name", ["a.parquet", ".hidden", "ä b", "..x", "a..b"])
def test_plain_names_stay(name: str) -> None:
    assert plain_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "/etc/passwd",
        "..\\x",
        "a\x00b",
        "a\nb",
        "\x1b[2J",
        "\u202e",
        "x" * 256,
        5,
        None,
        b"a",
        ["a"],
    ],
)
def test_other_names_are_refused(name: object) -> None:
    with pytest.raises(ClaimError):
        plain_name(name)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a" / "file").write_text("inside")
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("outside")
    return root


def test_a_file_below_the_root_is_read(root: Path) -> None:
    with open_file(root, root / "a" / "file") as stream:
        assert stream.read() == b"inside"
    assert contained(root, root / "none" / "such") == root / "none" / "such"


def test_the_root_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias"
    alias.symlink_to(root)
    with open_file(alias, alias / "a" / "file") as stream:
        assert stream.read() == b"inside"


@pytest.mark.parametrize("path", ["../victim/file", "a/../../victim/file", "/etc/passwd"])
def test_a_step_out_is_refused(root: Path, path: str) -> None:
    with pytest.raises(ClaimError):
        open_file(root, root / path)


def test_links_are_refused_at_every_level(root: Path, tmp_path: Path) -> None:
    (root / "folder").symlink_to(tmp_path / "victim")
    (root / "file").symlink_to(tmp_path / "victim" / "file")
    (root / "dangling").symlink_to(tmp_path / "victim" / "new")
    for path in ("folder/file", "file", "dangling", "folder"):
        with pytest.raises(ClaimError, match="link"):
            contained(root, root / path)
        with pytest.raises(ClaimError, match="link"):
            touch(root, root / path)
    assert not (tmp_path / "victim" / "new").exists()


def test_pipes_and_folders_are_refused_without_waiting(root: Path) -> None:
    os.mkfifo(root / "pipe")
    for path in (root / "pipe", root / "a"):
        with pytest.raises(ClaimError, match="regular"):
            open_file(root, path)
        with pytest.raises(ClaimError, match="regular"):
            regular_file(root, path)
    with pytest.raises(OSError, match="pipe"):
        touch(root, root / "pipe")
    assert stat.S_ISFIFO((root / "pipe").stat().st_mode)


def test_touch_makes_and_renews(root: Path) -> None:
    touch(root, root / "a" / "mark")
    os.utime(root / "a" / "mark", (1, 1))
    touch(root, root / "a" / "mark")
    assert (root / "a" / "mark").stat().st_mtime > 1


def test_a_hard_link_is_given_up_not_touched(root: Path, tmp_path: Path) -> None:
    victim = tmp_path / "elsewhere"
    victim.write_text("precious")
    os.utime(victim, (1, 1))
    mark = root / "a" / "linked"
    mark.hardlink_to(victim)
    with pytest.raises(ClaimError, match="hard link"):
        sole_file(root, mark)
    touch(root, mark)
    sole_file(root, mark)
    assert victim.stat().st_mtime == 1
    assert not mark.samefile(victim)


def test_links_inside_a_tree_of_links(root: Path, tmp_path: Path) -> None:
    (root / "inner").symlink_to(root / "a" / "file")
    (root / "outer").symlink_to(tmp_path / "victim" / "file")
    (root / "circle").symlink_to(root / "circle")
    assert resolves_inside(root, root / "inner")
    for name in ("outer", "circle", "../victim/file", "a\0b"):
        with pytest.raises(ClaimError):
            resolves_inside(root, root / name)
