"""What a checkpoint says of its own training: the architecture, and how images became its input."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from featrank.records import Preprocessing
from featrank.storage.named_files import open_regular

# Written by timm's training script beside its checkpoints.
_ARGUMENTS = "args.yaml"
_LARGEST = 1 << 20
_LONGEST_NAME = 100
_MAX_SIDE = 8192
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "box", "hamming", "lanczos")
_CROP_MODES = ("center", "squash", "border")


@dataclasses.dataclass(frozen=True, slots=True)
class TrainedWith:
    """What is said; empty where nothing is.

    Attributes:
        architecture: timm's name.
        settings: Fields of :class:`Preprocessing`.
    """

    architecture: str = ""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def applied_to(self, preprocessing: Preprocessing) -> Preprocessing:
        """The preprocessing with what is said in its place."""
        return dataclasses.replace(preprocessing, **self.settings)

    def differences(self, preprocessing: Preprocessing, architecture: str) -> Iterator[str]:
        """Where what is said differs from what is run, one line each.

        Args:
            preprocessing: What is run.
            architecture: timm's name of what is run, with or without a tag.
        """
        if (
            self.architecture
            and self.architecture.partition(".")[0] != architecture.partition(".")[0]
        ):
            yield f"the file says that it is a {self.architecture}, and it is run as {architecture}"
        changed = [
            f"{name} {_shown(value)} (run with {_shown(getattr(preprocessing, name))})"
            for name, value in self.settings.items()
            if not _equal(value, getattr(preprocessing, name))
        ]
        if changed:
            yield f"the file says that it was trained with {', '.join(changed)}: see --as-trained"


def read_trained_with(content: Any, path: Path) -> TrainedWith:
    """What a checkpoint, or the ``args.yaml`` beside it, says.

    Args:
        content: What the file holds.
        path: The file.
    """
    inside = content if isinstance(content, Mapping) else {}
    arguments: Any = inside.get("args")
    if isinstance(arguments, argparse.Namespace):
        arguments = vars(arguments)
    named = inside.get("arch")
    if not isinstance(arguments, Mapping):
        arguments = _arguments_beside(path)
        if named is not None and arguments.get("model") != named:
            arguments = {}  # of another run
    named = named or arguments.get("model")
    is_name = isinstance(named, str) and len(named) <= _LONGEST_NAME
    return TrainedWith(named if is_name else "", dict(_settings(arguments)))


def _arguments_beside(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        with open_regular(path.parent / _ARGUMENTS) as stream:
            document = yaml.safe_load(stream.read(_LARGEST))
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, Mapping) else {}


def _settings(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a preprocessing that are said, each of a kind that it may have."""
    size: Any = arguments.get("input_size")
    side = arguments.get("img_size")
    if isinstance(side, int) and not isinstance(side, bool):
        size = size or [3, side, side]
    if _are(size, int, 3) and size[0] in (1, 3) and all(0 < n <= _MAX_SIDE for n in size[1:]):
        yield "input_size", tuple(size)
    for name in ("mean", "std"):
        value: Any = arguments.get(name)
        if _are(value, (int, float), 3) and (name == "mean" or min(value) > 0):
            yield name, tuple(map(float, value))
    crop = arguments.get("crop_pct")
    if isinstance(crop, int | float) and not isinstance(crop, bool) and 0 < crop <= 1:
        yield "crop_pct", float(crop)
    for name, known in (("interpolation", _INTERPOLATIONS), ("crop_mode", _CROP_MODES)):
        if arguments.get(name) in known:
            yield name, arguments[name]


def _are(values: Any, kind: Any, length: int) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == length
        and all(
            isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
            for value in values
        )
    )


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(_equal, first, second))
    return (
        math.isclose(first, second, abs_tol=1e-6) if isinstance(first, float) else first == second
    )


def _shown(value: Any) -> str:
    return ", ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)
