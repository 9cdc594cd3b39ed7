"""A folder with ``config.json`` and weights, as timm saves a model: ``local-dir:PATH``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.zoos._fitting import load_fitting
from featrank.zoos._hub import candidate_files
from featrank.zoos._model_config import ModelConfig, read_model_config
from featrank.zoos._timm_built import TimmBuilt
from featrank.zoos._timm_index import TimmIndex
from featrank.zoos._weight_files import INDEX_SUFFIX
from featrank.zoos._zoo import Loaded, Shelf
from featrank.zoos.checkpoint import own_weights


class LocalDirZoo(TimmBuilt):
    """``local-dir:PATH``."""

    name = "local-dir"

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """One folder.

        Raises:
            InputError: No such folder, or its ``config.json`` describes no timm model.
        """
        if not os.path.lexists(Path(text).expanduser()):
            return []
        config = _config(text, shelf.of(TimmIndex))
        _weight_file(text, config)
        note = f"a {config.architecture}"
        return [ModelRef(text, self.name, text, config.identity, note)]

    def names(self, shelf: Shelf) -> list[str]:
        """None: folders are not listed."""
        return []

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """As the folder says."""
        return _config(model.name).preprocessing

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The file in the folder.

        Raises:
            InputError: There is none.
        """
        return own_weights(_weight_file(model.name, _config(model.name)), shelf)

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """As :meth:`find_weights`."""
        return self.find_weights(model, shelf)

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """Nothing is downloaded."""
        return 0

    def built(self, model: ModelRef) -> tuple[str, Mapping[str, Any]]:
        """What the folder describes."""
        config = _config(model.name)
        return config.architecture, config.built

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network that the folder describes.

        Raises:
            InputError: The file does not hold its weights.
        """
        config = _config(model.name)
        return load_fitting(config.architecture, weights, config.built, config.n_classes)


def _config(text: str, index: TimmIndex | None = None) -> ModelConfig:
    folder = Path(text).expanduser()
    if not (folder / "config.json").is_file():
        raise InputError(
            f"no config.json in '{text}'",
            "timm writes one with its weights; without it, give NAME@FILE.safetensors",
        )
    return read_model_config(folder / "config.json", f"local-dir:{text}", index)


def _weight_file(text: str, config: ModelConfig) -> Path:
    """The weights in a folder.

    Raises:
        InputError: There are none.
    """
    files = candidate_files(config.filename)
    files = (*files, *(f"{file}{INDEX_SUFFIX}" for file in files))
    for name in files:
        path = Path(text).expanduser() / name
        if path.is_file():
            return path
    raise InputError(f"no weights in '{text}'", f"it should hold {' or '.join(files)}")


ZOO = LocalDirZoo()
