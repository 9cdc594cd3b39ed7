from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.targets._split_folders import choose_folder, from_root, holders


def make(root: Path, *folders: str) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "t").touch()
    return root


def test_only_splits_and_the_folder_itself_hold_it(tmp_path: Path) -> None:
    assert holders(make(tmp_path, "train", "valid", "cat"), "t") == ["train", "valid"]
    assert holders(tmp_path, "u") == []
    assert holders(tmp_path / "gone", "t") == []
    assert holders(tmp_path / "cat", "t") == ["."]


def test_the_folder_of_a_split(tmp_path: Path) -> None:
    make(tmp_path, "train", "valid")
    assert choose_folder(tmp_path, "t", "d", None) == (
        "train",
        ("train", "valid"),
        tmp_path / "train",
    )
    assert choose_folder(tmp_path, "t", "d", "val")[2] == tmp_path / "valid"
    with pytest.raises(InputError, match="no split 'test'"):
        choose_folder(tmp_path, "t", "d", "test")
    assert choose_folder(tmp_path / "train", "t", "d", None) == (None, (), tmp_path / "train")
    with pytest.raises(InputError, match="has no splits"):
        choose_folder(tmp_path / "train", "t", "d", "train")
    with pytest.raises(InputError, match="of its own beside those of its splits train, valid"):
        choose_folder(make(tmp_path, "."), "t", "d", None)


def test_paths_from_the_root(tmp_path: Path) -> None:
    assert from_root("a/b.png", tmp_path / "train", tmp_path) == "train/a/b.png"
    assert from_root("../b.png", tmp_path / "train", tmp_path) == "train/../b.png"
    assert from_root("/b.png", tmp_path / "train", tmp_path) == "/b.png"
    assert from_root("", tmp_path / "train", tmp_path) == ""
