"""The layers of an architecture, without its weights."""

from __future__ import annotations

from typing import Any

import torch

from featrank.errors import IncompleteError
from featrank.layers.find import find_layers
from featrank.layers.names import LayerInfo
from featrank.zoos.torchvision import PREFIX, adapt, build


def describe_architecture(name: str, input_size: tuple[int, int, int]) -> tuple[LayerInfo, ...]:
    """Build a model without numbers, and list its layers in depth order.

    Args:
        name: timm's, with or without a tag; or ``torchvision:`` and torchvision's.
        input_size: Channels, height, width.

    Raises:
        IncompleteError: timm cannot build it, or it cannot run at this size.
    """
    try:
        return find_layers(_build_empty(name).eval(), input_size).layers
    except Exception as error:  # whatever a network's own code raises
        line = next(iter(str(error).splitlines()), "")
        raise IncompleteError(
            f"cannot list the layers of {name}: {type(error).__name__}: {line}",
            "rank its last layer: --layers last",
        ) from error


def _build_empty(name: str) -> Any:
    if name.startswith(PREFIX):
        # Some of its builders compute with tensors, which have no numbers on the meta device.
        return adapt(build(name.removeprefix(PREFIX), "", None)).to("meta")
    import timm

    create: Any = timm.create_model
    with torch.device("meta"):
        return create(name, pretrained=False)
