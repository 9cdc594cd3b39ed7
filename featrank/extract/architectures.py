"""The layers of an architecture, without its weights."""

from __future__ import annotations

from typing import Any

import torch

from featrank.errors import IncompleteError
from featrank.extract.layers import find_layers
from featrank.layers import LayerInfo


def describe_architecture(name: str, input_size: tuple[int, int, int]) -> tuple[LayerInfo, ...]:
    """Build a timm model without numbers, and list its layers in depth order.

    Args:
        name: timm's, with or without a tag.
        input_size: Channels, height, width.

    Raises:
        IncompleteError: timm cannot build it, or it cannot run at this size.
    """
    import timm

    create: Any = timm.create_model
    try:
        with torch.device("meta"):
            network = create(name, pretrained=False)
        return find_layers(network.eval(), input_size).layers
    except Exception as error:  # whatever a network's own code raises
        line = next(iter(str(error).splitlines()), "")
        raise IncompleteError(
            f"cannot list the layers of {name}: {type(error).__name__}: {line}",
            "rank its last layer: --layers last",
        ) from error
