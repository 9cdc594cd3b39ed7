"""Weights from a local file: ``ARCHITECTURE@FILE``."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from featrank.errors import InputError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import did_you_mean, is_wildcard
from featrank.storage.digest import digest_json
from featrank.storage.named_files import no_file
from featrank.zoos._fitting import load_fitting
from featrank.zoos._names import find_name
from featrank.zoos._timm_built import TimmBuilt
from featrank.zoos._timm_index import TimmIndex
from featrank.zoos._trained_with import read_trained_with
from featrank.zoos._weight_files import (
    INDEX_SUFFIX,
    SUFFIXES,
    is_weight_file,
    read_weight_file,
    weight_files,
)
from featrank.zoos._zoo import Loaded, Shelf
from featrank.zoos.untrained import SEED


class CheckpointZoo(TimmBuilt):
    """A timm architecture with weights of one's own; the tag, if any, decides the preprocessing."""

    name = "checkpoint"

    def claims(self, text: str) -> bool:
        """``NAME@FILE``; an ``@`` after a colon belongs to another zoo's name."""
        return "@" in text.partition(":")[0]

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """``architecture[.tag]@file``; the file may be a wildcard.

        Raises:
            InputError: No such architecture, no such file, or not a kind of file that is read.
        """
        typed, at, file = text.partition("@")
        if not at:
            return []
        index = shelf.of(TimmIndex)
        named = find_name(typed, index, pretrained=True)
        if named is None:
            raise InputError(
                f"unknown architecture '{typed}' in '{text}'",
                did_you_mean(
                    typed,
                    index.architectures(),
                    "list them: featrank models",
                ),
            )
        entry = named.entry
        files = _expand(file)
        for path in files:
            _check_file(path)
        return [
            ModelRef(
                f"{typed}@{path}",
                self.name,
                f"{entry.name}@{path}",
                entry.architecture,
                named.note,
            )
            for path in files
        ]

    def names(self, shelf: Shelf) -> list[str]:
        """None: files are not listed."""
        return []

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """timm's data configuration for the tag, or what the file says where that is asked for.

        Raises:
            InputError: The file is asked and cannot be read.
        """
        usual = shelf.of(TimmIndex).entry(self.built(model)[0]).preprocessing
        if not shelf.as_trained:
            return usual
        path = _check_file(model.name.partition("@")[2])
        return read_trained_with(read_weight_file(path), path).applied_to(usual)

    def built(self, model: ModelRef) -> tuple[str, Mapping[str, Any]]:
        """The architecture, with its tag, before the file."""
        return model.name.partition("@")[0], {}

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The file.

        Raises:
            InputError: There is none.
        """
        return own_weights(_check_file(model.name.partition("@")[2]), shelf)

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """As :meth:`find_weights`: a file is on this machine or nowhere."""
        return self.find_weights(model, shelf)

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """Nothing is downloaded."""
        return 0

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network, with the classifier that the file has.

        Raises:
            InputError: The file does not hold this architecture's weights.
        """
        return load_fitting(self.built(model)[0], weights)


def own_weights(path: Path, shelf: Shelf) -> Weights:
    """A file of the user's with its fingerprint.

    Raises:
        InputError: It cannot be read.
    """
    try:
        prints = [shelf.hashes.get(file) for file in weight_files(path)]
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    fingerprint = prints[0] if len(prints) == 1 else digest_json({"shards": prints})
    if shelf.checkpoint_key:
        fingerprint = digest_json({"file": fingerprint, "key": shelf.checkpoint_key})
    if not shelf.allow_partial:
        return Weights(fingerprint, path, key=shelf.checkpoint_key)
    # What the file lacks is drawn from a seed, and the numbers depend on these as well.
    recipe = {"seed": SEED, "timm": version("timm"), "torch": version("torch")}
    partial = digest_json({"file": fingerprint, "partial": recipe})
    return Weights(partial, path, partial=True, key=shelf.checkpoint_key)


def _expand(file: str) -> list[str]:
    """The files that a wildcard matches, or the one that is named."""
    if not is_wildcard(file) or Path(file).expanduser().exists():
        return [file]
    found = glob.glob(str(Path(file).expanduser()))  # noqa: PTH207 - from any root
    files = sorted(path for path in found if Path(path).is_file())
    if not files:
        raise InputError(f"no file matches '{file}'", "check the folder and the pattern")
    return files


def _check_file(text: str) -> Path:
    path = Path(text).expanduser()
    if path.is_dir():
        raise InputError(f"'{text}' is a folder", _inside(path))
    if not is_weight_file(path.name):
        raise InputError(
            f"'{text}' is not a weight file", f"known: {', '.join((*SUFFIXES, INDEX_SUFFIX))}"
        )
    if reason := no_file(path):
        raise InputError(f"{reason}: {text}", "the form is NAME@FILE, such as resnet50@my.pth")
    if shard := _SHARD.search(path.name):
        index = next(iter(sorted(path.parent.glob(f"*{path.suffix}{INDEX_SUFFIX}"))), None)
        raise InputError(
            f"'{text}' is one of {int(shard[1])} shards",
            f"name the list of them: {index or 'model' + path.suffix + INDEX_SUFFIX}",
        )
    return path


def _inside(folder: Path) -> str:
    """What to name instead of a folder."""
    if (folder / "config.json").is_file():
        return f"for the model in it: local-dir:{folder}"
    names = sorted(file.name for file in folder.iterdir() if is_weight_file(file.name))
    lists = [name for name in names if name.lower().endswith(INDEX_SUFFIX)]
    return f"name a file in it: {folder / (lists or names)[0]}" if names else "name a weight file"


# model-00001-of-00003.safetensors
_SHARD = re.compile(r"-\d{5}-of-(\d{5})\.")


ZOO = CheckpointZoo()
