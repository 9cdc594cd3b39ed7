"""The layers of a model's network, where they can be had without its weights."""

from __future__ import annotations

from featrank.errors import IncompleteError
from featrank.layers.find import find_layers
from featrank.layers.names import LayerInfo
from featrank.records import ModelRef
from featrank.zoos import Shelf, build_network


def describe_model(
    model: ModelRef, input_size: tuple[int, int, int], shelf: Shelf
) -> tuple[LayerInfo, ...]:
    """Build a model's network, and list its layers in depth order.

    Args:
        model: The model.
        input_size: Channels, height, width.
        shelf: What the zoos share.

    Raises:
        IncompleteError: Its zoo cannot build it, or it cannot run at this size.
    """
    try:
        return find_layers(build_network(model, shelf), input_size).layers
    except IncompleteError:
        raise
    except Exception as error:  # whatever a network's own code raises
        line = next(iter(str(error).splitlines()), "")
        raise IncompleteError(
            f"cannot list the layers of {model.id}: {type(error).__name__}: {line}",
            "rank its last layer: --layers last",
        ) from error
