"""A ``config.json`` beside weights: which timm architecture they are for, and its preprocessing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.records import Preprocessing
from featrank.registry import did_you_mean
from featrank.storage.contained import ClaimError
from featrank.storage.kept_json import parse_json
from featrank.storage.named_files import open_regular
from featrank.zoos._hub_cache import check_file_name
from featrank.zoos._timm_built import INPUT_SIZE
from featrank.zoos._timm_index import TimmIndex

_LARGEST = 1 << 24

_READ_CHANNELS = (1, 3)
_MAX_SIDE = 8192

# What timm assumes where a description says nothing.
_DEFAULTS: dict[str, Any] = {
    "input_size": (3, 224, 224),
    "crop_pct": 0.875,
    "crop_mode": "center",
    "interpolation": "bicubic",
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What a ``config.json`` in timm's form says.

    Attributes:
        architecture: timm's name.
        preprocessing: How images become its input.
        n_classes: Of the stored classifier; None where it is not said.
        arguments: Of the architecture, where it is a variant.
        filename: The weights' file, where it has no usual name.
    """

    architecture: str
    preprocessing: Preprocessing
    n_classes: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    filename: str | None = None

    @property
    def built(self) -> Mapping[str, Any]:
        """The arguments with the input size, which decides the shape of some networks."""
        return {**self.arguments, INPUT_SIZE: list(self.preprocessing.input_size)}

    @property
    def identity(self) -> str:
        """The architecture, told apart from its variants."""
        if not self.arguments:
            return self.architecture
        return f"{self.architecture} {json.dumps(dict(self.arguments), sort_keys=True)}"


def read_model_config(path: Path, where: str, index: TimmIndex | None = None) -> ModelConfig:
    """Read a ``config.json``, in timm's present form or the older flat one.

    Args:
        path: The file.
        where: What the user named, for messages.
        index: timm's registry, to check the architecture; None where that was done before.

    Raises:
        InputError: It is damaged, or describes no timm model.
    """
    try:
        with open_regular(path) as stream:
            document = parse_json(stream.read(_LARGEST + 1), _LARGEST)
    except (OSError, ClaimError) as error:
        raise InputError(f"cannot read the config.json of {where}: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("architecture"), str):
        raise InputError(
            f"the config.json of {where} describes no timm model: it names no 'architecture'",
            "give the weights alone, with the architecture they are for: NAME@FILE.safetensors",
        )
    architecture = document["architecture"]
    if index is not None and index.find(architecture) is None:
        raise InputError(
            f"timm has no architecture '{architecture}', which {where} asks for",
            did_you_mean(architecture, index.architectures(), "upgrade timm"),
        )
    try:
        config = document.get("pretrained_cfg", document)
        n_classes = document.get("num_classes", config.get("num_classes"))
        arguments = dict(document.get("model_args") or {})
        n_classes = arguments.pop("num_classes", n_classes)
        given = {key: config[key] for key in _DEFAULTS if config.get(key) is not None}
        settings = _for_channels(_DEFAULTS | given, arguments)
        if size := arguments.get("img_size"):  # the network was built for it
            sides = (size, size) if isinstance(size, int) else size
            settings["input_size"] = (settings["input_size"][0], *sides)
        preprocessing = Preprocessing.from_config(settings)
        _check_input(preprocessing, where)
        filename = config.get("hf_hub_filename") or None
        if filename is not None:
            check_file_name(filename, f"the config.json of {where}")
        return ModelConfig(architecture, preprocessing, n_classes, arguments, filename)
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the config.json of {where} is damaged: {error}") from error


def _for_channels(settings: dict[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with one mean and deviation a channel, as timm makes them fit."""
    channels = arguments.get("in_chans") or settings["input_size"][0]
    fitted = {"input_size": (channels, *settings["input_size"][1:])}
    for key in ("mean", "std"):
        values = settings[key]
        if len(values) != channels:
            fitted[key] = (sum(values) / len(values),) * channels
    return settings | fitted


def _check_input(preprocessing: Preprocessing, where: str) -> None:
    """Refuse inputs that no image can become.

    Raises:
        InputError: Neither grey nor RGB, or of no size.
    """
    channels, *sides = preprocessing.input_size
    if channels not in _READ_CHANNELS:
        raise InputError(
            f"{where} takes images of {channels} channels; those that are read have 1 or 3",
            "give a model of grey or RGB images",
        )
    if len(sides) != 2 or not all(type(side) is int and 0 < side <= _MAX_SIDE for side in sides):
        raise InputError(f"the config.json of {where} asks for images of {sides} pixels")
