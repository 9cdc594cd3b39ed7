"""IDX files, the format of MNIST and its family, gzipped or not.

Given a folder that holds ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte`` (``t10k-`` for
the test split), or one file of images beside its labels. A folder of several sets, as EMNIST's,
asks for one of its files.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from featrank.errors import InputError
from featrank.targets._file_names import printable
from featrank.targets._reach import changed, refuse_unreachable
from featrank.targets._selection import canonical
from featrank.targets._splits import choose_split, refuse_split
from featrank.targets._target import Access, Sample, Target, digest_pixels

if TYPE_CHECKING:
    from PIL import Image

_UNSIGNED_BYTE = 0x08
_MAX_BYTES = 1 << 32
_MODES = {(): "L", (1,): "L", (3,): "RGB"}
_NAME = re.compile(r"(?P<stem>.*?)-?images[-.]idx")
_AS_STORED = (
    "the images of EMNIST are stored transposed, rows as columns, and are read as they are stored"
    " (torchvision does so too)"
)
# Sets whose files hold each image with its rows as columns.
_TRANSPOSED = ("emnist-",)
_SPLITS = {"train": "train", "t10k": "test", "test": "test", "val": "val", "valid": "val"}


@dataclass(frozen=True, slots=True)
class _Array:
    """The content of one file: ``shape`` unsigned bytes."""

    shape: tuple[int, ...]
    data: bytes

    def item(self, index: int) -> bytes:
        """What one entry along the first axis holds."""
        length = math.prod(self.shape[1:])
        return self.data[index * length : (index + 1) * length]


@lru_cache(maxsize=2)
def _load(file: Path) -> _Array:
    """Read a file.

    Raises:
        InputError: It is not IDX, holds something else than bytes, or ends early.
    """
    shown = printable(str(file))
    try:
        with file.open("rb") as stream:
            if file.suffix != ".gz":
                return _parse(stream, shown)
            with gzip.GzipFile(fileobj=stream) as unpacked:
                return _parse(unpacked, shown)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError):
            refuse_unreachable(shown, error)
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot read '{shown}': {reason}") from error


def _parse(stream: BinaryIO | gzip.GzipFile, shown: str) -> _Array:
    header = stream.read(4)
    if len(header) < 4 or header[:2] != b"\0\0" or not header[3]:
        raise InputError(f"'{shown}' is not an IDX file")
    if header[2] != _UNSIGNED_BYTE:
        raise InputError(f"'{shown}' does not hold unsigned bytes", "only the MNIST family is read")
    sizes = stream.read(4 * header[3])
    if len(sizes) < 4 * header[3]:
        raise InputError(f"'{shown}' ends inside its header")
    shape = struct.unpack(f">{header[3]}I", sizes)
    n_bytes = math.prod(shape)
    if n_bytes > _MAX_BYTES:
        raise InputError(f"'{shown}' claims {n_bytes:,} bytes, more than {_MAX_BYTES:,}")
    data = stream.read(n_bytes + 1)
    if len(data) != n_bytes:
        kind = "ends early" if len(data) < n_bytes else "holds more than its header says"
        raise InputError(f"'{shown}' {kind}", "fetch it again")
    return _Array(shape, data)


@dataclass(frozen=True)
class IdxReader:
    """Reads images of one file.

    Attributes:
        file: The images.
    """

    file: Path

    def __call__(self, sample: Sample) -> Image.Image:
        """The image in RGB.

        Raises:
            IncompleteError: The file has changed.
        """
        from PIL import Image

        images = _load(self.file)
        mode, size = _picture(images)
        data = images.item(int(sample.path.rpartition("-")[2]))
        if digest_pixels(mode, size, data) != sample.digest:
            raise changed(sample.path)
        return Image.frombytes(mode, size, data).convert("RGB")

    def prepare(self, _: object) -> None:
        """Read the file before there are workers, so that they share its memory."""
        _load(self.file)


def _picture(images: _Array) -> tuple[str, tuple[int, int]]:
    """The mode and the size (width, height) of each image."""
    return _MODES[images.shape[3:]], (images.shape[2], images.shape[1])


def _find_pairs(folder: Path) -> dict[str, dict[str, Path]]:
    """The files of images in a folder, by set (empty where there is but one) and split."""
    sets: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        match = _NAME.match(file.name)
        if match is None or not file.is_file():
            continue
        words = match["stem"].split("-")
        known = [word for word in words if word in _SPLITS]
        split = _SPLITS[known[0]] if known else words[-1]
        others = [word for word in words if word not in known] if known else words[:-1]
        sets.setdefault("-".join(others), {}).setdefault(split, file)
    return sets


def _only_set(folder: Path, shown: str) -> dict[str, Path]:
    """The files of images of a folder's set, by split.

    Raises:
        InputError: There are several sets.
    """
    sets = _find_pairs(folder)
    if len(sets) == 1:
        return next(iter(sets.values()))
    first = next(iter(next(iter(sets.values())).values()))
    named = ", ".join(
        f"{printable(name) or 'one without a name'} ({', '.join(sorted(files))})"
        for name, files in sorted(sets.items())
    )
    raise InputError(
        f"'{shown}' holds {len(sets)} sets: {named}",
        f"name the images of one: --dataset {printable(str(folder / first.name))}",
    )


def _labels_of(images: Path) -> Path:
    """The labels that belong to a file of images.

    Raises:
        InputError: There are none beside it.
    """
    name = images.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    plain = name.removesuffix(".gz")
    found = [images.with_name(name) for name in (name, plain, f"{plain}.gz") if name != images.name]
    for file in found:
        if file.is_file():
            return file
    raise InputError(
        f"no labels beside '{printable(str(images))}'", f"put {printable(plain)} into its folder"
    )


@dataclass(frozen=True)
class Idx:
    """``--dataset DIR`` with IDX files in it, or one file of images."""

    name: str = "idx"
    reads: str = "IDX files"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """By file names."""
        path = Path(spec).expanduser()
        if "idx" in path.name and path.is_file():
            return path.name.removesuffix(".gz").endswith(("ubyte", ".idx"))
        try:
            return path.is_dir() and any(map(_NAME.match, os.listdir(path)))  # noqa: PTH208
        except OSError:
            return False

    def open(self, spec: str, access: Access) -> Target:
        """Read and hash the images of one split.

        Raises:
            InputError: Not IDX, damaged, without labels, or no such split.
        """
        shown = printable(spec)
        path = Path(spec).expanduser()
        splits: tuple[str, ...] = ()
        split = None
        if path.is_dir():
            pairs = _only_set(path, shown)
            splits = tuple(sorted(pairs)) if len(pairs) > 1 or access.split else ()
            split = choose_split(shown, splits, access.split)
            path = pairs[split] if split is not None else next(iter(pairs.values()))
        else:
            refuse_split(shown, access.split)
        images, labels = _load(path.absolute()), _load(_labels_of(path))
        if images.shape[3:] not in _MODES or len(images.shape) < 3 or len(labels.shape) != 1:
            raise InputError(
                f"'{shown}' holds arrays of shapes {images.shape} and {labels.shape}",
                "images are (n, height, width) and labels (n,)",
            )
        if len(labels.data) != images.shape[0]:
            raise InputError(
                f"'{shown}' has {images.shape[0]} images and {len(labels.data)} labels"
            )
        mode, size = _picture(images)
        samples = (
            Sample(f"image-{i:06}", str(label), digest_pixels(mode, size, images.item(i)))
            for i, label in enumerate(labels.data)
        )
        reader = IdxReader(path.absolute())
        transposed = path.name.lower().startswith(_TRANSPOSED)
        return Target(
            shown,
            split,
            canonical(samples),
            reader,
            splits=splits,
            warnings=(_AS_STORED,) if transposed else (),
            prepare=reader.prepare,
        )


TARGET = Idx()
