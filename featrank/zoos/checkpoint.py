"""Weights from a local file: ``ARCHITECTURE@FILE``."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featrank.errors import InputError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import did_you_mean, is_wildcard
from featrank.zoos.names import find_name
from featrank.zoos.state_dicts import find_misfit, read_state_dict
from featrank.zoos.zoo import Shelf

if TYPE_CHECKING:
    from torch import Tensor, nn

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")


class CheckpointZoo:
    """A timm architecture with weights of one's own; the tag, if any, decides the preprocessing."""

    name = "checkpoint"

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """``architecture[.tag]@file``; the file may be a wildcard.

        Raises:
            InputError: No such architecture, no such file, or not a kind of file that is read.
        """
        typed, at, file = text.partition("@")
        if not at:
            return []
        named = find_name(typed, shelf.index, pretrained=True)
        if named is None:
            raise InputError(
                f"unknown architecture '{typed}' in '{text}'",
                did_you_mean(
                    typed,
                    shelf.index.architectures(),
                    "list them: python -c 'import timm; print(timm.list_models())'",
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
        """timm's data configuration for the tag."""
        return shelf.index.entry(model.name.partition("@")[0]).preprocessing

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The file.

        Raises:
            InputError: There is none.
        """
        path = _check_file(model.name.partition("@")[2])
        try:
            return Weights(shelf.hashes.get(path), path)
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """As :meth:`find_weights`: a file is here or nowhere."""
        return self.find_weights(model, shelf)

    def load(self, model: ModelRef, weights: Weights) -> nn.Module:
        """The network, with the classifier that the file has.

        Raises:
            InputError: The file does not hold this architecture's weights.
        """
        if weights.path is None:
            raise ValueError("a checkpoint's weights come from a file")
        name = model.name.partition("@")[0]
        state = read_state_dict(weights.path)
        network, misfit = _build_for(name, state)
        if misfit and _names_differ(state, network):
            state, network, misfit = _converted(name, state, network, misfit)
        if misfit:
            raise InputError(
                f"{weights.path} does not fit {name}: {misfit}",
                "check the architecture before the @",
            )
        network.load_state_dict(state)
        return network.eval()


def _expand(file: str) -> list[str]:
    """The files that a wildcard matches, or the one that is named."""
    if not is_wildcard(file) or Path(file).expanduser().exists():
        return [file]
    files = sorted(glob.glob(str(Path(file).expanduser())))  # noqa: PTH207 - from any root
    if not files:
        raise InputError(f"no file matches '{file}'", "check the folder and the pattern")
    return files


def _check_file(text: str) -> Path:
    path = Path(text).expanduser()
    if path.suffix not in _SUFFIXES:
        raise InputError(f"'{text}' is not a weight file", f"known: {', '.join(_SUFFIXES)}")
    if not path.is_file():
        raise InputError(f"no such file: {text}", "the form is NAME@FILE, such as resnet50@my.pth")
    return path


def _build_for(name: str, state: dict[str, Tensor]) -> tuple[nn.Module, str | None]:
    """A network whose classifier has the file's number of classes, and what does not fit."""
    import timm

    plain: nn.Module = timm.create_model(name, pretrained=False)
    n_classes = _count_classes(plain, state)
    if n_classes == getattr(plain, "num_classes", None):
        network = plain
    else:
        network = timm.create_model(name, pretrained=False, num_classes=n_classes)
    return network, find_misfit(state, network.state_dict())


def _count_classes(network: nn.Module, state: dict[str, Tensor]) -> int:
    """The rows of the classifier in the file; 0 where it has none."""
    config: Any = network.pretrained_cfg
    classifiers = config.get("classifier") or ()
    for name in [classifiers] if isinstance(classifiers, str) else classifiers:
        weight = state.get(f"{name}.weight")
        if weight is not None:
            return int(weight.shape[0])
    return 0


def _names_differ(state: dict[str, Tensor], network: nn.Module) -> bool:
    return bool(state.keys() ^ network.state_dict().keys())


def _converted(
    name: str, state: dict[str, Tensor], network: nn.Module, misfit: str
) -> tuple[dict[str, Tensor], nn.Module, str | None]:
    """Once more with timm's conversion of the original authors' names, where timm has one."""
    module = sys.modules[type(network).__module__]
    convert: Callable[..., dict[str, Tensor]] | None = getattr(module, "checkpoint_filter_fn", None)
    if convert is None:
        return state, network, misfit
    try:
        converted = convert(dict(state), network)
    except Exception:  # it was written for the authors' files and may stumble over any other
        return state, network, misfit
    built, remaining = _build_for(name, converted)
    return (converted, built, None) if remaining is None else (state, network, misfit)


ZOO = CheckpointZoo()
