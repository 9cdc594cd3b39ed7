"""Zoos whose networks timm builds."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from featrank.records import ModelRef
from featrank.zoos._aliases import ALIASES
from featrank.zoos._zoo import Shelf, Zoo

if TYPE_CHECKING:
    from torch import nn

# What create_model itself takes: a file's description of a model has no say in these.
_RESERVED = {
    "model_name", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path",
    "cache_dir", "scriptable", "exportable", "no_jit", "num_classes",
}  # fmt: skip


class TimmBuilt(Zoo):
    """A zoo of networks that timm builds by name."""

    def built(self, model: ModelRef) -> tuple[str, Mapping[str, Any]]:
        """What is built: timm's name, with or without a tag, and the arguments of a variant."""
        return model.name, {}

    def spellings(self, shelf: Shelf) -> list[str]:
        """Its names, and the aliases of timm's."""
        return [*self.names(shelf), *ALIASES]

    def build(self, model: ModelRef) -> nn.Module:
        """The network without numbers, which takes no time and no memory."""
        import timm
        import torch

        name, arguments = self.built(model)
        with torch.device("meta"):
            network: nn.Module = timm.create_model(name, pretrained=False, **usable(arguments))
        return network

    def layers_key(self, model: ModelRef, shelf: Shelf) -> Mapping[str, Any]:
        """What is built, and by which timm: the zoos that timm builds for share their lists."""
        name, arguments = self.built(model)
        key = {"name": name, "timm": version("timm")}
        variant = usable(arguments)
        return {**key, "arguments": variant} if variant else key


def usable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a variant that its description may decide."""
    return {key: value for key, value in arguments.items() if key not in _RESERVED}
