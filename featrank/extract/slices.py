"""How many images a CPU takes through a network at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn.modules.module import register_module_forward_hook

from featrank.layers.layout import tensors_in

# Larger maps are soon handed back to the system, which clears the memory of the next ones anew;
# smaller ones stay with the process, and closer to the processor's caches. Half of it is slower
# again, for more and shorter steps (measured on 2 cores, CNNs and a ViT).
_LARGEST_MAP = 2**24


class MapGauge:
    """The largest map that came up in the passes it watched."""

    def __init__(self) -> None:
        self.largest = 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Look at what every module gives."""

        def look(_module: object, _inputs: object, output: object) -> None:
            self.largest = max([self.largest, *(tensor.nbytes for tensor in tensors_in(output))])

        handle = register_module_forward_hook(look)
        try:
            yield
        finally:
            handle.remove()


def split_batch(pixels: torch.Tensor, largest_map: int) -> tuple[torch.Tensor, ...]:
    """Parts of a batch, of nearly equal size, whose maps the process can keep.

    On a GPU the batch stays whole.

    Args:
        pixels: Images ``(n, channels, height, width)``.
        largest_map: Bytes of the network's largest map for one image.
    """
    if pixels.device.type != "cpu":
        return (pixels,)
    n_together = max(1, _LARGEST_MAP // max(largest_map, 1))
    return pixels.tensor_split(-(-len(pixels) // n_together))
