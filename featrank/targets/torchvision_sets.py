"""Data sets that torchvision reads from the disk: ``torchvision:CIFAR10?root=DIR``.

Nothing is ever downloaded. The words after the question mark are the arguments of torchvision's
own class; ``--split`` chooses among its splits.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.registry import did_you_mean
from featrank.targets._decode import image_to_rgb
from featrank.targets._fence import LeadsOut, reading_only_below
from featrank.targets._file_names import printable
from featrank.targets._reach import changed, out_of_reach, refuse_unreachable, retried
from featrank.targets._selection import canonical
from featrank.targets._splits import SPLITS, refuse_split
from featrank.targets._target import Access, Sample, Target, UnreadableImage, digest_pixels

if TYPE_CHECKING:
    from PIL import Image

_PREFIX = "torchvision:"

# Those that give an image and one number, and that check or merely parse what they read.
_KNOWN = (
    "CIFAR10", "CIFAR100", "Caltech101", "Caltech256", "Country211", "DTD", "EMNIST", "EuroSAT",
    "FGVCAircraft", "FashionMNIST", "Flowers102", "Food101", "GTSRB", "Imagenette", "KMNIST",
    "MNIST", "OxfordIIITPet", "PCAM", "QMNIST", "RenderedSST2", "SEMEION", "STL10", "SUN397",
    "SVHN", "StanfordCars", "USPS",
)  # fmt: skip
_NEVER = {"download", "transform", "target_transform", "transforms", "loader"}


@dataclass(frozen=True)
class TorchvisionReader:
    """Reads images of a torchvision data set."""

    dataset: Any
    root: Path

    def __call__(self, sample: Sample) -> Image.Image:
        """The image in RGB.

        Raises:
            UnreadableImage: It cannot be decoded any more.
            IncompleteError: It cannot be read, or has changed.
        """
        try:
            image, digest, _ = retried(
                partial(_fetch, self.dataset, int(sample.path.rpartition("-")[2]), self.root)
            )
        except OSError as error:
            raise out_of_reach(sample.path, error) from None
        if digest != sample.digest:
            raise changed(sample.path)
        return image_to_rgb(image)


def _fetch(dataset: Any, index: int, root: Path) -> tuple[Image.Image, str, int]:
    """One image as torchvision decodes it, its content hash and its label.

    Raises:
        UnreadableImage: It cannot be decoded.
        OSError: Its file cannot be read.
        InputError: Its file lies outside the root.
    """
    try:
        with reading_only_below(root):
            image, label = dataset[index]
            image.load()
    except LeadsOut as error:
        raise InputError(
            f"a list of this data set names a file outside {printable(str(root))}:"
            f" {printable(str(error.path))}",
            "such a data set may be hostile: fetch it anew, or mend its lists",
        ) from None
    except Exception as error:
        # An errno is the system's word on the file; what Pillow says of a bad image has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        # Pillow's plugins let out whatever a bad file provokes
        line = next(iter(str(error).splitlines()), "")
        raise UnreadableImage(f"cannot be read: {type(error).__name__}: {line}") from None
    return image, digest_pixels(image.mode, image.size, image.tobytes()), int(label)


def _arguments(spec: str, cls: Any, access: Access) -> tuple[dict[str, Any], str | None]:
    """The arguments of torchvision's class, and the split in use.

    Raises:
        InputError: The root is missing, an argument is unknown, or there are no splits.
    """
    known = inspect.signature(cls.__init__).parameters
    query = dict(parse_qsl(spec.partition("?")[2], keep_blank_values=True))
    for name in query:
        if name not in known or name in _NEVER:
            usable = ", ".join(known.keys() - _NEVER - {"self", "kwargs"})
            raise InputError(f"'{spec}': no argument '{name}'", f"{cls.__name__} takes {usable}")
    if "root" not in query:
        raise InputError(f"'{spec}' says not where the data is", f"{spec}?root=DIR")
    arguments: dict[str, Any] = dict(query)
    split = access.split
    if "train" in known and "split" not in known:
        split = arguments.pop("train", None) if split is None else split
        meaning = SPLITS.get(str(split or "train").lower(), str(split).lower())
        arguments["train"] = meaning in ("train", "true", "1")
        split = "train" if arguments["train"] else "test"
    elif "split" in known:
        split = split or arguments.get("split") or "train"
        arguments["split"] = split
        if "train" in known:  # EMNIST, whose split is another thing
            arguments |= {"split": query.get("split", "balanced"), "train": split == "train"}
    else:
        refuse_split(spec, split)
    return arguments | ({"download": False} if "download" in known else {}), split


@dataclass(frozen=True)
class TorchvisionSets:
    """``--dataset 'torchvision:NAME?root=DIR'``."""

    name: str = "torchvision"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """By the prefix."""
        return spec.startswith(_PREFIX)

    def open(self, spec: str, access: Access) -> Target:
        """Decode and hash all images of one split.

        Raises:
            InputError: torchvision has no such data set, or does not find it on the disk.
        """
        name = spec.removeprefix(_PREFIX).partition("?")[0]
        if name not in _KNOWN:
            raise InputError(
                f"no torchvision data set '{name}'",
                did_you_mean(name, _KNOWN, f"known: {', '.join(_KNOWN)}"),
            )
        from torchvision import datasets

        cls = getattr(datasets, name)
        arguments, split = _arguments(spec, cls, access)
        try:
            dataset = cls(**arguments)
        except Exception as error:  # each class has its own way of missing its files
            line = next(iter(str(error).splitlines()), type(error).__name__)
            raise InputError(
                f"torchvision cannot open {name}: {line}",
                "featrank downloads no data: fetch it with torchvision, or mend root=DIR",
            ) from error
        root = Path(arguments["root"]).resolve()
        samples, skipped = _list(dataset, root)
        reader = TorchvisionReader(dataset, root)
        return Target(printable(spec), split, canonical(samples), reader, tuple(skipped))


def _list(dataset: Any, root: Path) -> tuple[list[Sample], list[Skipped]]:
    class_names = getattr(dataset, "classes", None) or getattr(dataset, "categories", None) or ()
    samples, skipped = [], []
    for index in range(len(dataset)):
        path = f"image-{index:06}"
        try:
            _, digest, label = retried(partial(_fetch, dataset, index, root))
        except OSError as error:
            refuse_unreachable(path, error)
            skipped.append(Skipped(path, f"cannot be read: {error.strerror}"))
            continue
        except UnreadableImage as error:
            skipped.append(Skipped(path, str(error)))
            continue
        named = 0 <= label < len(class_names)
        samples.append(Sample(path, str(class_names[label] if named else label), digest))
    return samples, skipped


TARGET = TorchvisionSets()
