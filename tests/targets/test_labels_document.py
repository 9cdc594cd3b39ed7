from __future__ import annotations

from pathlib import Path

import pytest
from image_sets import digit_pictures

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access
from featrank.targets._labels_document import Labelled, find_base, open_labelled, read_document

PNG = [picture.data for picture in digit_pictures(5)]


def images(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PNG[number])
    return root


def access(**more: object) -> Access:
    return Access(FileHashes(), **more)


def test_every_image_counts_or_has_its_reason(tmp_path: Path) -> None:
    images(tmp_path, "a/1.png", "a/2.png", "a/3.png", "a/.4.png", "b/5.png")
    listed = [
        Labelled("./a/1.png", ["x"]), Labelled("a/2.png", []), Labelled("a/9.png", ["x"]),
        Labelled("b/5.png", ["y", "y"]),
    ]  # fmt: skip
    target = open_labelled("d", listed, tmp_path, access(), folders=(tmp_path / "a",))
    assert [(s.path, s.class_name) for s in target.samples] == [("a/1.png", "x"), ("b/5.png", "y")]
    assert {item.path: item.reason for item in target.skipped} == {
        "a/2.png": "no label", "a/9.png": "no such file", "a/3.png": "no label"
    }  # fmt: skip


def test_splits_that_images_name(tmp_path: Path) -> None:
    images(tmp_path, "1.png", "2.png")
    listed = [Labelled("1.png", ["x"], "train"), Labelled("2.png", ["y"], "test")]
    target = open_labelled("d", listed, tmp_path, access(split="test"))
    assert [sample.path for sample in target.samples] == ["2.png"]
    assert target.splits == ("test", "train")


@pytest.mark.parametrize("path", ["../1.png", "/etc/passwd", "a/../../1.png"])
def test_paths_that_lead_out(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="leads out of"):
        open_labelled("d", [Labelled(path, ["x"])], tmp_path, access())


@pytest.mark.parametrize("path", ["\ud800.png", "a\0b.png"])
def test_names_that_no_file_can_have(tmp_path: Path, path: str) -> None:
    images(tmp_path, "1.png")
    listed = [Labelled(path, ["x"]), Labelled("1.png", ["x"])]
    target = open_labelled("d", listed, tmp_path, access())
    assert [sample.path for sample in target.samples] == ["1.png"]
    assert [item.reason for item in target.skipped] == ["no file can have this name"]
    assert find_base(tmp_path / "a.json", [path, "1.png"], access()) == tmp_path


class TestBase:
    @pytest.mark.parametrize(
        "place",
        ["here", "here/images", "images", "data", "train2017", "here/data", "here/train2017", "."],
    )
    def test_it_is_found_near_the_document(self, tmp_path: Path, place: str) -> None:
        images(tmp_path / place, "1.png")
        for other in ("other", "here"):
            (tmp_path / other).mkdir(exist_ok=True)
        file = tmp_path / "here" / "instances_train2017.json"
        assert find_base(file, ["gone.png", "1.png"], access()) == tmp_path / place

    def test_two_places_are_asked_for(self, tmp_path: Path) -> None:
        images(tmp_path, "images/1.png", "data/1.png")
        file = tmp_path / "all.json"
        with pytest.raises(InputError, match=r"may be those in any of .*images, .*data") as caught:
            find_base(file, ["1.png"], access())
        assert caught.value.hint == "say which: --root DIR"
        assert find_base(file, ["1.png"], access(root=tmp_path / "data")) == tmp_path / "data"

    def test_none(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"no folder near .* such as '1\.png'") as caught:
            find_base(tmp_path / "all.json", ["1.png"], access())
        assert "--root" in caught.value.hint

    def test_names_that_lead_out_are_not_looked_for(self, tmp_path: Path) -> None:
        images(tmp_path, "secret.png")
        names = ["../secret.png", str(tmp_path / "secret.png"), "", "a\0b"]
        assert find_base(tmp_path / "here" / "a.json", names, access()) == tmp_path / "here"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"\xff\xfe\0", "is no JSON"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_documents_that_are_none(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_document(tmp_path / "a.json")
    with pytest.raises(InputError, match="No such file"):
        read_document(tmp_path / "b.json")
