from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.targets._folder_layout import (
    class_folders,
    deeper_classes,
    find_splits,
    holds_class_folders,
    is_folder,
    is_system_folder,
    is_unlabelled_folder,
    step_into,
    subfolders,
)
from featrank.targets.manifest import TARGET as MANIFEST
from featrank.targets.parquet import TARGET as PARQUET


def make(root: Path, *files: str) -> Path:
    """A folder of empty files; what ends with a stroke is a folder."""
    for name in files:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return root


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Training", "Testing"),
        ("TRAIN", "Valid"),
        ("train_set", "test-data"),
        ("seg_train", "seg_test"),
        ("trainset", "testset"),
        ("Training images", "Validation images"),
    ],
)
def test_folders_named_as_splits_are_splits(tmp_path: Path, names: tuple[str, ...]) -> None:
    make(tmp_path, *(f"{split}/{name}/1.png" for split in names for name in ("cat", "dog")))
    assert find_splits(tmp_path, "auto", "d") == tuple(sorted(names))
    assert find_splits(tmp_path, "classes", "d") == ()


@pytest.mark.parametrize(
    "name", ["trains", "tester", "contest", "latest", "value", "set", "train 2"]
)
def test_other_names_are_classes(tmp_path: Path, name: str) -> None:
    make(tmp_path, f"{name}/cat/1.png", "bus/1.png")
    assert find_splits(tmp_path, "auto", "d") == ()


class TestMixtures:
    def test_a_train_of_images_is_a_class(self, tmp_path: Path) -> None:
        make(tmp_path, "train/1.png", "bus/1.png", "car/1.png")
        assert find_splits(tmp_path, "auto", "d") == ()

    def test_a_train_of_folders_is_refused_until_it_is_said(self, tmp_path: Path) -> None:
        make(tmp_path, "train/steam/1.png", "train/diesel/1.png", "bus/1.png", "car/1.png")
        with pytest.raises(
            InputError, match=r"two ways: train as a split .* like bus, car"
        ) as caught:
            find_splits(tmp_path, "auto", "d")
        assert "--layout splits" in str(caught.value.hint)
        assert "--layout classes" in str(caught.value.hint)
        assert find_splits(tmp_path, "splits", "d") == ("train",)
        assert find_splits(tmp_path, "classes", "d") == ()

    def test_one_split_with_classes_and_one_without(self, tmp_path: Path) -> None:
        make(tmp_path, "train/cat/1.png", "test/1.png", "bus/1.png")
        with pytest.raises(InputError, match="two ways"):
            find_splits(tmp_path, "auto", "d")

    def test_what_holds_no_image_decides_nothing(self, tmp_path: Path) -> None:
        make(tmp_path, "train/cat/1.png", "labels/readme.txt", "empty/", "__MACOSX/train/._1.png")
        assert find_splits(tmp_path, "auto", "d") == ("train",)

    def test_several_splits_of_class_folders_beside_others(self, tmp_path: Path) -> None:
        make(tmp_path, "train/cat/1.png", "test/cat/1.png", "extra/1.png")
        assert find_splits(tmp_path, "auto", "d") == ("test", "train")

    def test_splits_that_are_not_there(self, tmp_path: Path) -> None:
        make(tmp_path, "cat/1.png")
        with pytest.raises(InputError, match="no folder of 'd' is named as a split"):
            find_splits(tmp_path, "splits", "d")


class TestSteps:
    def test_a_lone_folder_of_folders_is_stepped_into(self, tmp_path: Path) -> None:
        make(tmp_path, "archive/data/cat/1.png", "archive/data/dog/1.png", "__MACOSX/x/._1.png")
        make(tmp_path, "readme.txt", ".git/x")
        assert step_into(tmp_path) == tmp_path / "archive" / "data"

    @pytest.mark.parametrize(
        "files",
        [
            ("cat/1.png", "dog/1.png"),
            ("cat/1.png",),
            ("cat/1.png", "cat/more/2.png"),
            ("only/cat/1.png", "1.png"),
            (),
        ],
    )
    def test_others_are_not(self, tmp_path: Path, files: tuple[str, ...]) -> None:
        assert step_into(make(tmp_path, *files)) == tmp_path

    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        make(tmp_path, "away/cat/1.png", "away/dog/1.png", "here/")
        (tmp_path / "here" / "data").symlink_to(tmp_path / "away")
        assert step_into(tmp_path / "here") == tmp_path / "here"


def test_the_systems_folders_are_none(tmp_path: Path) -> None:
    system = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found", "System Volume Information")
    make(tmp_path, "cat/1.png", ".hidden/1.png", "2.png", *(f"{name}/1.png" for name in system))
    assert subfolders(tmp_path) == ["cat"]
    assert all(map(is_system_folder, system))
    assert not is_system_folder("lost and found")
    assert is_folder(tmp_path / "cat")
    assert not is_folder(tmp_path / "2.png")


@pytest.mark.parametrize("name", ["_unlabeled", "Unlabelled", "no_label", "no-label", "No Label"])
def test_folders_of_images_without_a_class(name: str) -> None:
    assert is_unlabelled_folder(name)
    assert not is_unlabelled_folder(f"{name}s")


def test_folders_that_can_only_be_classes(tmp_path: Path) -> None:
    make(tmp_path, "cat/1.png", "dog/1.txt", "train/1.png", "deep/cow/1.png", ".git/1.png")
    assert class_folders(tmp_path) == ["cat"]


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot list the folder"):
        subfolders(tmp_path / "gone")


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        (["art/dog/1", "art/cat/1", "photo/dog/1", "photo/cat/1"], "of the same names"),
        (["a/airfield/1", "a/attic/1", "b/barn/1"], "folders only"),
        (["cat/day1/1", "dog/day1/1"], ""),
        (["cat/1", "cat/more/1", "cat/other/1", "dog/more/1"], ""),
        (["cat/1", "dog/1"], ""),
        (["cat/x/1", "cat/y/1"], ""),
        ([], ""),
    ],
)
def test_classes_that_may_lie_deeper(paths: list[str], says: str) -> None:
    said = list(deeper_classes([path.split("/") for path in paths]))
    assert len(said) == bool(says)
    assert all(says in line and "--class-depth 2" in line for line in said)


@pytest.mark.parametrize(
    ("files", "holds"),
    [
        (["a/1.png", "b/1.png"], True), (["train/a/1.png", "train/b/1.png"], True),
        (["archive/a/1.png", "archive/b/1.png"], True), (["images/1.png", "images/2.png"], False),
        (["train/1.png", "test/1.png"], False), (["1.png"], False), (["a/1.png"], False),
        (["archive/data/test/a/1.png", "archive/data/test/b/1.png"], True),
    ],
)  # fmt: skip
def test_folders_of_class_folders(tmp_path: Path, files: list[str], holds: bool) -> None:
    """A list of images, or a table, beside them is no reason to read them otherwise."""
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert holds_class_folders(tmp_path) == holds
    (tmp_path / "metadata.csv").write_text("file_name,label\n")
    assert MANIFEST.accepts(str(tmp_path)) == (not holds)
    (tmp_path / "index.parquet").write_bytes(b"PAR1")
    assert PARQUET.accepts(str(tmp_path)) == (not holds)
