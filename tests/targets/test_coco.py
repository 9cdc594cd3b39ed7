"""COCO-style JSON beside images, as tools and Roboflow export it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from image_sets import coco_document, digit_pictures, write_coco

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.coco import TARGET

PICTURES = digit_pictures(30)


def opened(place: Path, **access: object) -> Target:
    return TARGET.open(str(place), Access(FileHashes(), **access))


def test_one_category_an_image(tmp_path: Path) -> None:
    file = write_coco(tmp_path, PICTURES)
    assert TARGET.accepts(str(file))
    target = opened(file)
    assert dict(target.class_counts) == Counter(picture.label for picture in PICTURES)
    assert target.read(target.samples[0]).size == (8, 8)
    with pytest.raises(InputError, match="has no splits"):
        opened(file, split="train")


def test_images_without_an_annotation_have_no_label(tmp_path: Path) -> None:
    file = write_coco(tmp_path, PICTURES)
    document = coco_document(PICTURES)
    document["annotations"] = document["annotations"][2:]
    file.write_text(json.dumps(document))
    target = opened(file)
    assert [(s.path, s.reason) for s in target.skipped] == [("0000.png", "no label")]
    assert target.all_warnings == ("1 image left out (no label), first '0000.png'",)


def test_several_categories_an_image_are_refused(tmp_path: Path) -> None:
    file = write_coco(tmp_path, PICTURES)
    document = coco_document(PICTURES)
    document["annotations"][1]["category_id"] = 9
    file.write_text(json.dumps(document))
    with pytest.raises(InputError, match=r"1 image has several labels .*'0000\.png' \(0, 2\)"):
        opened(file)
    assert len(opened(file, multi_label="first").samples) == 30
    assert len(opened(file, multi_label="skip").samples) == 29


def test_folders_of_splits(tmp_path: Path) -> None:
    for split, part in (("train", PICTURES[:20]), ("valid", PICTURES[20:])):
        (tmp_path / split).mkdir()
        for picture in part:
            (tmp_path / split / picture.name).write_bytes(picture.data)
        document = json.dumps(coco_document(part))
        (tmp_path / split / "_annotations.coco.json").write_text(document)
    (tmp_path / "train" / "more.png").write_bytes(PICTURES[0].data)
    assert TARGET.accepts(str(tmp_path))
    target = opened(tmp_path)
    assert (target.split, target.splits) == ("train", ("train", "valid"))
    assert len(target.samples) == 20
    assert [(s.path, s.reason) for s in target.skipped] == [("train/more.png", "no label")]
    assert len(opened(tmp_path, split="val").samples) == 10
    assert len(opened(tmp_path / "train" / "_annotations.coco.json").samples) == 20


def test_a_document_of_another_form(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a.png": "cat"}')
    with pytest.raises(InputError, match=r"no COCO-style JSON.* it has: a\.png") as caught:
        opened(tmp_path / "a.json")
    assert "path and label" in caught.value.hint


def test_names_that_lead_out(tmp_path: Path) -> None:
    document = coco_document(PICTURES)
    for name in ("../secret.png", "/etc/passwd"):
        document["images"][0]["file_name"] = name
        (tmp_path / "_annotations.coco.json").write_text(json.dumps(document))
        with pytest.raises(InputError, match="leads out of"):
            opened(tmp_path)
