"""FiftyOne's exports of classified images."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from image_sets import coco_document, digit_pictures, write_fiftyone

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.fiftyone import TARGET

PICTURES = digit_pictures(6)


def opened(place: Path, **access: object) -> Target:
    return TARGET.open(str(place), Access(FileHashes(), **access))


def export(root: Path, document: object) -> Path:
    (root / "data" / "deep").mkdir(parents=True)
    for number, name in enumerate(("0.png", "1.jpg", "2.v1.png", "deep/3.png", "4.png", "5.png")):
        (root / "data" / name).write_bytes(PICTURES[number].data)
    (root / "labels.json").write_text(json.dumps(document))
    return root


def labels(target: Target) -> dict[str, str]:
    return {sample.path: sample.class_name for sample in target.samples}


def test_numbers_are_places_in_the_list_of_classes(tmp_path: Path) -> None:
    place = write_fiftyone(tmp_path, digit_pictures(30))
    assert TARGET.accepts(str(place))
    assert TARGET.accepts(str(place / "labels.json"))
    target = opened(place)
    assert dict(target.class_counts) == Counter(p.label for p in digit_pictures(30))
    assert opened(place / "labels.json").samples == target.samples
    with pytest.raises(InputError, match="has no splits"):
        opened(place, split="train")


def test_every_image_counts_or_has_its_reason(tmp_path: Path) -> None:
    told = {
        "0": "cat", "1.jpg": {"label": "dog", "confidence": 0.5}, "2.v1": ["cat"], "deep/3": "dog",
        "4": None, "9": "cat",
    }  # fmt: skip
    target = opened(export(tmp_path, {"classes": None, "labels": told}))
    assert labels(target) == {
        "data/0.png": "cat", "data/1.jpg": "dog", "data/2.v1.png": "cat", "data/deep/3.png": "dog",
    }  # fmt: skip
    assert {item.path: item.reason for item in target.skipped} == {
        "data/4.png": "no label", "data/5.png": "no label", "data/9": "no such file"
    }  # fmt: skip


def test_several_labels_an_image(tmp_path: Path) -> None:
    told = {"0": [1, 0], "1": [0], "4": [1]}
    place = export(tmp_path, {"classes": ["cat", "dog"], "labels": told})
    with pytest.raises(InputError, match=r"1 image has several labels .*\(dog, cat\)"):
        opened(place)
    assert labels(opened(place, multi_label="first"))["data/0.png"] == "dog"
    assert "data/0.png" not in labels(opened(place, multi_label="skip"))


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "has no object 'labels' .* it has: list"),
        ({"labels": []}, "it has: labels"),
        ({"classes": ["a"], "labels": {"0": 1}}, "'0' .* the label 1, and there are 1 classes"),
        ({"classes": ["a"], "labels": {"0": -1}}, "the label -1"),
        ({"labels": {"0": 0.5}}, "is no class: float"),
        ({"labels": {"../../etc/passwd": "a"}}, "leads out of"),
    ],
)
def test_documents_that_do_not_hold(tmp_path: Path, document: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        opened(export(tmp_path, document))


def test_two_images_of_one_name(tmp_path: Path) -> None:
    place = export(tmp_path, {"labels": {"0": "a"}})
    (place / "data" / "0.jpg").write_bytes(PICTURES[1].data)
    with pytest.raises(InputError, match=r"'0' .* may be data/0\.jpg or data/0\.png"):
        opened(place)


def test_a_coco_document_of_that_name(tmp_path: Path) -> None:
    place = export(tmp_path, {})
    document = coco_document(PICTURES[:2])
    for entry, name in zip(document["images"], ("0.png", "1.jpg"), strict=True):
        entry["file_name"] = name
    (place / "labels.json").write_text(json.dumps(document))
    assert labels(opened(place)) == {
        f"data/{name}": picture.label
        for name, picture in zip(("0.png", "1.jpg"), PICTURES, strict=False)
    }
