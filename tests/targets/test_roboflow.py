"""Roboflow's exports of classified images."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from image_sets import digit_pictures, write_roboflow

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.roboflow import TARGET

PICTURES = digit_pictures(20)


def opened(place: Path, **access: object) -> Target:
    return TARGET.open(str(place), Access(FileHashes(), **access))


def table(root: Path, *lines: str) -> Path:
    root.mkdir(exist_ok=True)
    for number in range(4):
        (root / f"{number}.png").write_bytes(PICTURES[number].data)
    (root / "_classes.csv").write_text("\n".join(lines))
    return root


def test_splits(tmp_path: Path) -> None:
    write_roboflow(tmp_path, PICTURES)
    (tmp_path / "train").rename(tmp_path / "valid")
    write_roboflow(tmp_path, PICTURES[:10])
    assert TARGET.accepts(str(tmp_path))
    target = opened(tmp_path)
    assert (target.split, target.splits) == ("train", ("train", "valid"))
    assert dict(target.class_counts) == Counter(picture.label for picture in PICTURES[:10])
    assert len(opened(tmp_path, split="val").samples) == 20
    alone = opened(tmp_path / "valid" / "_classes.csv")
    assert (alone.split, len(alone.samples)) == (None, 20)
    assert alone.samples == opened(tmp_path / "valid").samples


def test_every_image_counts_or_has_its_reason(tmp_path: Path) -> None:
    root = table(tmp_path / "d", "filename, cat, dog, Unlabeled", "0.png, 1, 0, 0", "1.png,0,1,0",
                 "", "2.png, 0, 0, 1", "9.png, 1, 0, 0", ", 1, 0, 0")  # fmt: skip
    target = opened(root)
    assert dict(target.class_counts) == {"cat": 1, "dog": 1}
    assert {item.path: item.reason for item in target.skipped} == {
        "2.png": "no label", "3.png": "no label", "9.png": "no such file", "row 5": "no path"
    }  # fmt: skip


def test_several_classes_an_image(tmp_path: Path) -> None:
    root = table(tmp_path / "d", "filename,cat,dog", "0.png,1,1", "1.png,0,1", "2.png,1,0")
    with pytest.raises(InputError, match=r"1 image has several labels .*\(cat, dog\)"):
        opened(root)
    assert dict(opened(root, multi_label="first").class_counts) == {"cat": 2, "dog": 1}
    assert dict(opened(root, multi_label="skip").class_counts) == {"cat": 1, "dog": 1}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((), "has: nothing"),
        (("cat,dog", "1,0"), "has: cat, dog"),
        (("filename",), "has: filename"),
        (("filename,cat, cat", "0.png,1,0"), "two columns"),
        (("filename,cat,dog", "0.png,1"), "line 2 .* 2 classes"),
        (("filename,cat,dog", "0.png,1,0.5"), "line 2"),
        (("filename,cat,dog", '"0.png,1,0'), "no table"),
        (("filename,cat,dog", "../0.png,1,0"), "leads out of"),
        (("filename,cat,dog", "/etc/passwd,1,0"), "leads out of"),
    ],
)
def test_tables_that_do_not_hold(tmp_path: Path, lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        opened(table(tmp_path / "d", *lines))
