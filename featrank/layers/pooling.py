"""From a map to a vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from featrank.layers.layout import NCHW, NLC, Layout, Reading

_GEM_POWER = 3.0
_GEM_FLOOR = 1e-6


class CannotPoolError(Exception):
    """The layer has nothing that this pooling takes; the message says what."""


def pool(output: object, reading: Reading, pooling: str, head_pooling: str) -> torch.Tensor:
    """Pool one layer's output.

    Register tokens are never pooled; the class token is by ``cls`` alone. A layer of several maps
    (branches of different resolution) gives the vectors of all, side by side.

    Args:
        output: What the module returned.
        reading: How it is laid out.
        pooling: ``avg``, ``max``, ``gem`` (power mean of exponent 3 of the positive part),
            ``avg+std`` over the patches; ``cls``; ``auto``: ``cls`` where the network's head reads
            the class token and the layer has one, else ``avg``.
        head_pooling: "token" or "avg": what the head reads.

    Returns:
        ``(n, width)`` float32.

    Raises:
        CannotPoolError: No class token for ``cls``, or no patches for the others.
    """
    maps = reading.maps(output)
    if pooling == "auto":
        pooling = "cls" if head_pooling == "token" and reading.class_token else "avg"
    if pooling == "cls":
        if not reading.class_token:
            raise CannotPoolError("it has no class token")
        # Copied: a view would keep the whole map in memory.
        vectors = [
            tensor[:, 0].to(torch.float32, copy=True) for tensor, layout in maps if layout.prefix
        ]
    else:
        vectors = [
            _over_patches(tensor, layout, pooling) for tensor, layout in maps if layout.patches
        ]
    if not vectors:
        raise CannotPoolError("it has no patches")
    return vectors[0] if len(vectors) == 1 else torch.cat(vectors, dim=1)


def _over_patches(tensor: torch.Tensor, layout: Layout, pooling: str) -> torch.Tensor:
    if layout.order == NLC:
        tensor = tensor[:, layout.prefix :]
    axes = [2, 3] if layout.order == NCHW else list(range(1, tensor.ndim - 1))
    if pooling == "max":
        return tensor.amax(axes).float()
    if pooling == "gem":
        powers = tensor.float().clamp(min=_GEM_FLOOR).pow(_GEM_POWER)
        return powers.mean(axes).pow(1 / _GEM_POWER)
    # Sums run in float32 without a float32 copy of the map.
    mean = tensor.mean(axes, dtype=torch.float32)
    if pooling == "avg":
        return mean
    return torch.cat([mean, _deviation(tensor, mean, axes)], dim=1)


def _deviation(tensor: torch.Tensor, mean: torch.Tensor, axes: Sequence[int]) -> torch.Tensor:
    shape = [1 if axis in axes else size for axis, size in enumerate(tensor.shape)]
    return (tensor.float() - mean.view(shape)).square().mean(list(axes)).sqrt()
