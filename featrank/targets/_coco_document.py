"""COCO-style JSON: lists of images, annotations and categories, as labels of whole images."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from featrank.errors import InputError
from featrank.targets._file_names import printable
from featrank.targets._folder_layout import is_unlabelled_folder
from featrank.targets._labels_document import Labelled

_LISTS = ("images", "annotations", "categories")


def is_coco(document: object) -> bool:
    """Whether a document has the lists that COCO's have."""
    return isinstance(document, dict) and all(isinstance(document.get(k), list) for k in _LISTS)


def read_coco(document: Any, shown: str) -> list[Labelled]:
    """The images with the categories of their annotations, in order, each category once.

    Args:
        document: The content of the file.
        shown: The file, for messages.

    Raises:
        InputError: It is no such document, or names an image or a category that it does not list.
    """
    if not is_coco(document):
        names = list(document) if isinstance(document, dict) else [type(document).__name__]
        has = ", ".join(printable(str(name)) for name in names[:8]) or "nothing"
        raise InputError(
            f"'{shown}' is no COCO-style JSON, which has the lists {', '.join(_LISTS)};"
            f" it has: {has}",
            "write a .csv with the columns path and label",
        )
    categories = _by_id(document["categories"], "categories", shown)
    images = _by_id(document["images"], "images", shown)
    labels: dict[Any, list[str]] = defaultdict(list)
    for number, annotation in enumerate(document["annotations"], start=1):
        if not isinstance(annotation, dict):
            raise InputError(f"annotation {number} of '{shown}' is no object")
        image, category = (_key(annotation.get(name)) for name in ("image_id", "category_id"))
        if image not in images:
            raise InputError(
                f"annotation {number} of '{shown}' is of image {image}, which is not listed",
                "export it again",
            )
        if category is None:
            continue
        if category not in categories:
            raise InputError(
                f"annotation {number} of '{shown}' has category {category}, which is not listed",
                "export it again",
            )
        name = printable(str(categories[category].get("name", category)).strip())
        labels[image].append("" if is_unlabelled_folder(name) else name)
    return [
        Labelled(
            str(entry.get("file_name") or ""),
            labels.get(key, []),
            printable(str(entry.get("split") or "")),
        )
        for key, entry in images.items()
    ]


def _key(value: object) -> object:
    """An id: 3 and "3" are two, and what cannot be one is None."""
    return value if isinstance(value, int | str) else None


def _by_id(entries: list[Any], what: str, shown: str) -> dict[Any, dict[str, Any]]:
    """Entries by their ids.

    Raises:
        InputError: One has none, or that of another.
    """
    found: dict[Any, dict[str, Any]] = {}
    for number, entry in enumerate(entries, start=1):
        key = _key(entry.get("id")) if isinstance(entry, dict) else None
        if key is None:
            raise InputError(f"entry {number} of {what} in '{shown}' has no id", "export it again")
        if key in found and found[key] != entry:
            raise InputError(
                f"two entries of {what} in '{shown}' have the id {key}",
                "join exports with ids of their own",
            )
        found[key] = entry
    return found
