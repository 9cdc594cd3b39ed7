"""COCO-style JSON as labels of whole images: one category an image.

One file, whose images lie beside it, in ``images/`` or ``data/`` near it, or below ``--root``; or a
folder of ``_annotations.coco.json`` beside images, perhaps one a split, as Roboflow exports it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from featrank.targets._coco_document import read_coco
from featrank.targets._file_names import printable
from featrank.targets._labels_document import find_base, open_labelled, read_document
from featrank.targets._split_folders import choose_folder, from_root, holders
from featrank.targets._splits import refuse_split
from featrank.targets._target import Access, Target

_BESIDE = "_annotations.coco.json"


@dataclass(frozen=True)
class Coco:
    """``--dataset FILE.json``."""

    name: str = "coco"
    reads: str = "a COCO-style .json of one category an image"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """By file names."""
        path = Path(spec).expanduser()
        if path.is_dir():
            return bool(holders(path, _BESIDE))
        beside_data = path.name == "labels.json" and (path.parent / "data").is_dir()
        return path.suffix.lower() == ".json" and not beside_data

    def open(self, spec: str, access: Access) -> Target:
        """List and hash the images.

        Raises:
            InputError: No such document, images that are not there, or several categories an image.
        """
        shown = printable(spec)
        path = Path(spec).expanduser()
        if not path.is_dir():
            listed = read_coco(read_document(path), shown)
            if not any(item.split for item in listed):
                refuse_split(shown, access.split)
            base = find_base(path, [item.path for item in listed], access)
            return open_labelled(shown, listed, base, access)
        split, splits, folder = choose_folder(path, _BESIDE, shown, access.split)
        listed = [
            dataclasses.replace(item, path=from_root(item.path, folder, path))
            for item in read_coco(read_document(folder / _BESIDE), shown)
        ]
        access = dataclasses.replace(access, split=None)
        target = open_labelled(shown, listed, path, access, folders=(folder,))
        return dataclasses.replace(target, split=split, splits=splits)


TARGET = Coco()
