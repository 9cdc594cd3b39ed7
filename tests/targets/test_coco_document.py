from __future__ import annotations

import copy
from typing import Any

import pytest

from featrank.errors import InputError
from featrank.targets._coco_document import is_coco, read_coco

DOCUMENT: dict[str, list[dict[str, Any]]] = {
    "images": [
        {"id": 1, "file_name": "a.png"}, {"id": "x", "file_name": "b.png", "split": "val"},
        {"id": 3, "file_name": "c.png"}, {"id": 4},
    ],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 5}, {"id": 2, "image_id": 1, "category_id": 5},
        {"id": 3, "image_id": "x", "category_id": 5}, {"id": 4, "image_id": "x", "category_id": 6},
        {"id": 5, "image_id": 3, "category_id": None}, {"id": 6, "image_id": 4, "category_id": 7},
    ],
    "categories": [
        {"id": 5, "name": "cat "}, {"id": 6, "name": "dog"}, {"id": 7, "name": "Unlabeled"},
    ],
}  # fmt: skip


def changed(where: str, number: int, **values: object) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    document[where][number] |= values
    return document


def test_what_it_says() -> None:
    found = read_coco(DOCUMENT, "d")
    assert [(item.path, list(item.labels), item.split) for item in found] == [
        ("a.png", ["cat", "cat"], ""), ("b.png", ["cat", "dog"], "val"), ("c.png", [], ""),
        ("", [""], ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"images": [], "annotations": []}, "has: images, annotations"),
        ([1], "it has: list"),
        (changed("annotations", 0, image_id=99), "annotation 1 .* image 99, which is not listed"),
        (changed("annotations", 1, category_id=99), "annotation 2 .* category 99"),
        (changed("annotations", 1, category_id="5"), "annotation 2 .* category 5, which is not"),
        (changed("images", 2, id=1), "two entries of images .* have the id 1"),
        (changed("images", 2, id=[1]), "entry 3 of images .* has no id"),
        (changed("categories", 0, id=None), "entry 1 of categories"),
        ({**DOCUMENT, "annotations": [3]}, "annotation 1 of 'd' is no object"),
    ],
)
def test_what_does_not_hold(document: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_coco(document, "d")


def test_which_documents_are_meant() -> None:
    assert is_coco(DOCUMENT)
    assert not is_coco({"classes": [], "labels": {}})
    assert not is_coco([])
