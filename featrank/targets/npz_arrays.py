"""An ``.npz`` of arrays of images and labels, as MedMNIST publishes them.

``train_images`` with ``train_labels``, and so ``val_`` and ``test_``; or ``x_train`` with
``y_train``, as Keras keeps MNIST; or one pair without a split. Images are bytes, grey or in RGB.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.targets._file_names import printable
from featrank.targets._npy_arrays import ArrayHeader, NpyArrays
from featrank.targets._reach import changed
from featrank.targets._selection import canonical
from featrank.targets._several_labels import SeveralLabels
from featrank.targets._size import MAX_PIXELS
from featrank.targets._spans import Span
from featrank.targets._splits import SPLITS, choose_split
from featrank.targets._spool import Spool
from featrank.targets._target import NO_LABEL, Access, Sample, Target, digest_pixels

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

_SPLIT = "|".join(SPLITS)
_IMAGES = re.compile(rf"(?:(?:(?P<a>{_SPLIT})_)?images?|x(?:_(?P<b>{_SPLIT}))?)", re.IGNORECASE)
_MODES = {(): "L", (1,): "L", (3,): "RGB"}


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two arrays by name."""

    images: str
    labels: str


@dataclass(frozen=True)
class PixelReader:
    """Reads images that are kept as bare pixels of one size.

    Attributes:
        spans: Where each content is, by its digest.
        mode: Pillow's name of the mode.
        size: Width and height.
    """

    spans: Mapping[str, Span]
    mode: str
    size: tuple[int, int]

    def __call__(self, sample: Sample) -> Image.Image:
        """The image in RGB.

        Raises:
            IncompleteError: It cannot be read, or has changed.
        """
        from PIL import Image

        data = self.spans[sample.digest].read()
        if digest_pixels(self.mode, self.size, data) != sample.digest:
            raise changed(sample.path)
        return Image.frombytes(self.mode, self.size, data).convert("RGB")


@dataclass(frozen=True)
class NpzArrays:
    """``--dataset FILE.npz``."""

    name: str = "npz_arrays"
    reads: str = "a .npz of images and labels (MedMNIST)"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """By the suffix."""
        return spec.lower().endswith(".npz") and not Path(spec).expanduser().is_dir()

    def open(self, spec: str, access: Access) -> Target:
        """Hash the images of one split.

        Raises:
            InputError: No such arrays, arrays of another shape or type, or several labels an image.
        """
        shown = printable(spec)
        arrays = NpyArrays(Path(spec).expanduser().absolute(), shown)
        headers = arrays.headers()
        pairs = _find_pairs(headers, shown)
        splits = tuple(sorted(pairs)) if list(pairs) != [""] else ()
        split = choose_split(shown, splits, access.split)
        pair = pairs[split or ""]
        mode, size = _picture(headers, pair, shown)
        several = SeveralLabels(shown, access.multi_label)
        labels = _labels(arrays, pair, several)
        several.refuse()
        digest = functools.partial(digest_pixels, mode, size)
        spool = Spool(lambda: arrays.items(pair.images), digest)
        samples: list[Sample] = []
        skipped: list[Skipped] = []
        for number, (label, data) in enumerate(zip(labels, arrays.items(pair.images), strict=True)):
            path = f"{pair.images}/{number:06}"
            if not label:
                if label is not None:
                    skipped.append(Skipped(path, NO_LABEL))
                continue
            sample = Sample(path, label, digest(data))
            spool.place(sample.digest, len(data))
            samples.append(sample)
        return Target(
            shown,
            split,
            canonical(samples),
            PixelReader(spool.spans, mode, size),
            (*skipped, *several.skipped),
            splits,
            several.warnings(),
            prepare=spool.fill,
        )


def _find_pairs(headers: Mapping[str, ArrayHeader], shown: str) -> dict[str, _Pair]:
    """The arrays of images and labels, by split; under an empty name where there is none.

    Raises:
        InputError: There are none, or two for one split.
    """
    pairs: dict[str, _Pair] = {}
    lowered = {name.lower(): name for name in headers}
    for name in headers:
        match = _IMAGES.fullmatch(name)
        if match is None:
            continue
        split = match["a"] or match["b"] or ""
        low = name.lower()
        partner = f"y{low[1:]}" if low.startswith("x") else re.sub("images?", "labels", low)
        labels = lowered.get(partner) or lowered.get(partner.removesuffix("s"))
        if labels is None:
            raise InputError(
                f"'{shown}' has '{name}', but no '{partner}'", "add the labels under that name"
            )
        if split in pairs:
            raise InputError(
                f"'{shown}' has two arrays for one split: '{pairs[split].images}' and '{name}'",
                "keep one of them",
            )
        pairs[split] = _Pair(name, labels)
    if "" in pairs and len(pairs) > 1:
        raise InputError(
            f"'{shown}' has images without a split ('{pairs[''].images}') beside those with one",
            "keep one kind",
        )
    if not pairs:
        has = ", ".join(f"{name} ({header.text})" for name, header in list(headers.items())[:8])
        scores = "features" in headers and "labels" in headers
        raise InputError(
            f"'{shown}' has no array 'train_images' or 'images'; it has: {has or 'none'}",
            f"features are scored by: featrank score {shown}"
            if scores
            else "name the arrays train_images and train_labels, or write the images into class"
            " folders or a .parquet file",
        )
    return pairs


def _picture(
    headers: Mapping[str, ArrayHeader], pair: _Pair, shown: str
) -> tuple[str, tuple[int, int]]:
    """The mode and the size (width, height) of each image.

    Raises:
        InputError: The arrays are none of images and their labels.
    """
    images, labels = headers[pair.images], headers[pair.labels]
    n, *sides = images.shape or (0,)
    mode = _MODES.get(tuple(sides[2:]))
    if str(images.dtype) != "uint8" or len(sides) < 2 or mode is None or not images.in_c_order:
        volumes = len(sides) == 3 and mode is None
        raise InputError(
            f"'{pair.images}' of '{shown}' is {images.text}: images are uint8, (n, height, width)"
            " or (n, height, width, 3)",
            "these look like volumes or bands: take slices, or put the channels last"
            if volumes
            else "convert them to bytes from 0 to 255",
        )
    height, width = sides[:2]
    if not 0 < height * width <= MAX_PIXELS:
        raise InputError(f"'{pair.images}' of '{shown}' has images of {width} x {height} pixels")
    if labels.dtype.hasobject or labels.dtype.kind not in "iubfUS" or len(labels.shape) > 2:
        raise InputError(
            f"'{pair.labels}' of '{shown}' is {labels.text}: labels are numbers or texts, (n,) or"
            " (n, 1)"
        )
    if not labels.shape or labels.shape[0] != n:
        raise InputError(f"'{shown}' has {images.text} images and {labels.text} labels")
    return mode, (width, height)


def _labels(arrays: NpyArrays, pair: _Pair, several: SeveralLabels) -> Sequence[str | None]:
    """The class of each image; empty where it has none, None where it is left out.

    Raises:
        InputError: The rows of an array are not zeros and ones.
    """
    values = arrays.load(pair.labels)
    if values.ndim == 2 and values.shape[1] != 1:
        _check_one_hot(values, arrays.shown, pair.labels)
        return [
            several.choose(f"{pair.images}/{number:06}", [str(i) for i in row.nonzero()[0]])
            for number, row in enumerate(values)
        ]
    return [_class_of(value) for value in values.reshape(-1).tolist()]


def _class_of(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        value = int(value) if value.is_integer() else value
    return printable(str(value).strip())


def _check_one_hot(values: npt.NDArray[Any], shown: str, name: str) -> None:
    """See that rows can say of each class whether the image is of it.

    Raises:
        InputError: They hold something else than 0 and 1.
    """
    import numpy as np

    if values.dtype.kind not in "iubf" or not np.isin(values, (0, 1)).all():
        raise InputError(
            f"'{name}' of '{shown}' has {values.shape[1]} values an image, not all of them 0 or 1",
            "give one label an image: an array (n,)",
        )


TARGET = NpzArrays()
