"""Zoos whose networks timm builds."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from featrank.errors import InputError
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


# The argument that is the network's input size: timm's own description of a model holds it.
INPUT_SIZE = "input_size"


class TimmBuilt(Zoo):
    """A zoo of networks that timm builds by name."""

    def built(self, model: ModelRef) -> tuple[str, Mapping[str, Any]]:
        """What is built: timm's name, with or without a tag, and the arguments of a variant."""
        return model.name, {}

    def spellings(self, shelf: Shelf) -> list[str]:
        """Its names, and the aliases of timm's."""
        return [*self.names(shelf), *ALIASES]

    def build(self, model: ModelRef) -> nn.Module:
        """The network without numbers, which takes no time and no memory.

        Raises:
            InputError: timm cannot build it so.
        """
        import torch

        name, arguments = self.built(model)
        with torch.device("meta"):
            return build_with_timm(name, usable(arguments))

    def layers_key(self, model: ModelRef, shelf: Shelf) -> Mapping[str, Any]:
        """What is built, and by which timm: the zoos that timm builds for share their lists."""
        name, arguments = self.built(model)
        key = {"name": name, "timm": version("timm")}
        variant = usable(arguments)
        return {**key, "arguments": variant} if variant else key


def build_with_timm(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """The untrained network of that name.

    Args:
        name: timm's, with or without a tag.
        arguments: Of :func:`usable`.

    Raises:
        InputError: The arguments ask for what the architecture cannot be.
    """
    import timm

    try:
        network: nn.Module = timm.create_model(name, pretrained=False, **arguments)
    except Exception as error:  # an architecture's own checks raise whatever they like
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        asked = ", ".join(f"{key}={value}" for key, value in sorted(arguments.items()))
        raise InputError(
            f"timm cannot build {name}{f' with {asked}' if asked else ''}:"
            f" {type(error).__name__}: {reason}",
            "check the architecture and the input size that the model's description asks for",
        ) from error
    return network


def usable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a variant that its description may decide."""
    given = {key: value for key, value in arguments.items() if key not in _RESERVED}
    size = given.pop(INPUT_SIZE, None)
    if size is not None and "img_size" not in given:
        # timm builds networks of a fixed size for it, and leaves the others as they are.
        given["pretrained_cfg_overlay"] = {"input_size": tuple(size)}
    return given
