"""How a network's tensors hold channels, positions and tokens.

A layout is read from a tensor's shape and what the network says about itself. Where these allow
two readings the tensor is refused: averaging the wrong axis would give features that look fine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

NCHW, NHWC, NLC = "NCHW", "NHWC", "NLC"


class UnknownLayoutError(Exception):
    """A tensor whose axes cannot be told apart; the message says why."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The axes of one tensor.

    Attributes:
        order: NCHW, NHWC or NLC.
        prefix: Tokens before the patches: class and register tokens (NLC only).
        patches: Positions or patches; 0 where a tensor holds prefix tokens alone.
        channels: Channels.
    """

    order: str
    prefix: int
    patches: int
    channels: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What a network says about itself.

    Attributes:
        image: Height and width of its input.
        prefix_tokens: Tokens before the patches, once they have been added.
        has_class_token: Whether the first of them is a class token.
        head_pooling: "token" where its head reads the class token, else "avg".
        channels: Widths that it declares.
        order: NCHW or NHWC where all of its other maps that can be read are so; else None.
    """

    image: tuple[int, int]
    prefix_tokens: int
    has_class_token: bool
    head_pooling: str
    channels: frozenset[int]
    order: str | None = None

    @classmethod
    def of(cls, network: nn.Module, image: tuple[int, int]) -> Anatomy:
        """Read a timm network's own declarations."""
        names = [name.rpartition(".")[2] for name, _ in network.named_parameters()]
        has_class_token = any(name.startswith("cls_token") for name in names)
        prefix = getattr(network, "num_prefix_tokens", None)
        if not isinstance(prefix, int):
            prefix = int(has_class_token)
        pooling = getattr(network, "global_pool", None)
        token = pooling == "token" and has_class_token
        return cls(
            image, prefix, has_class_token, "token" if token else "avg", _declared_widths(network)
        )


def read_layout(shape: Sequence[int], anatomy: Anatomy) -> Layout:
    """The layout of a tensor.

    Args:
        shape: ``(n, …)``, the batch first.
        anatomy: The network's.

    Raises:
        UnknownLayoutError: Not a map, or more than one reading is possible.
    """
    readings = list(_readings(tuple(shape[1:]), anatomy))
    for tells in (lambda r: r.channels in anatomy.channels, lambda r: r.order == anatomy.order):
        if len(readings) > 1:
            told = [reading for reading in readings if tells(reading)]
            readings = told if len(told) == 1 else readings
    if len(readings) != 1:
        text = "×".join(map(str, shape[1:]))
        why = "it fits " + " and ".join(r.order for r in readings) if readings else "no map"
        raise UnknownLayoutError(f"shape {text}: {why}")
    return readings[0]


def _readings(shape: tuple[int, ...], anatomy: Anatomy) -> Iterable[Layout]:
    """Every layout that a shape (without the batch) allows."""
    if len(shape) == 3:
        first, middle, last = shape
        if _is_grid(middle, last, anatomy.image):
            yield Layout(NCHW, 0, middle * last, first)
        if _is_grid(first, middle, anatomy.image):
            yield Layout(NHWC, 0, first * middle, last)
    elif len(shape) == 2:
        length, channels = shape
        if length == anatomy.prefix_tokens:
            yield Layout(NLC, length, 0, channels)
            return
        for prefix in sorted({anatomy.prefix_tokens, 0}, reverse=True):
            if _is_flat_grid(length - prefix, anatomy.image):
                yield Layout(NLC, prefix, length - prefix, channels)


def _is_grid(height: int, width: int, image: tuple[int, int]) -> bool:
    """Whether a map has the image's proportions."""
    if image[0] == image[1]:
        return height == width
    return abs(height * image[1] / image[0] - width) <= 1


def _is_flat_grid(length: int, image: tuple[int, int]) -> bool:
    if length < 1:
        return False
    height = math.isqrt(length * image[0] // image[1])
    return any(
        high > 0 and length % high == 0 and _is_grid(high, length // high, image)
        for high in (height, height + 1)
    )


def _declared_widths(network: nn.Module) -> frozenset[int]:
    info: Any = getattr(network, "feature_info", None)
    info = getattr(info, "info", info) or []
    widths = [entry.get("num_chs") for entry in info]
    widths += [getattr(network, name, None) for name in ("num_features", "embed_dim")]
    return frozenset(width for width in widths if isinstance(width, int))


def tensors_in(output: object) -> list[torch.Tensor]:
    """The floating tensors of a module's output, in order."""
    if isinstance(output, torch.Tensor):
        return [output] if output.is_floating_point() else []
    if isinstance(output, tuple | list):
        return [tensor for item in output for tensor in tensors_in(item)]
    return []


@dataclass(frozen=True, slots=True)
class Reading:
    """Which tensors of a module's output are maps of the batch, and how they are laid out."""

    layouts: tuple[tuple[int, Layout], ...]
    class_token: bool

    @classmethod
    def of(cls, output: object, batch: int, anatomy: Anatomy) -> Reading:
        """Read an output.

        Of several tensors those that are no maps are left out: side outputs, such as the state of
        a state space model or TNT's pixels inside patches, whose first axis is not the batch.

        Raises:
            UnknownLayoutError: None of its tensors can be read as a map.
        """
        layouts: list[tuple[int, Layout]] = []
        reason = "no tensor of the batch"
        for index, tensor in enumerate(tensors_in(output)):
            if len(tensor) == batch:
                try:
                    layouts.append((index, read_layout(tensor.shape, anatomy)))
                except UnknownLayoutError as unknown:
                    reason = str(unknown)
        if not layouts:
            raise UnknownLayoutError(reason)
        prefixed = any(layout.prefix for _, layout in layouts)
        return cls(tuple(layouts), anatomy.has_class_token and prefixed)

    def maps(self, output: object) -> list[tuple[torch.Tensor, Layout]]:
        """The maps of an output of the same module."""
        tensors = tensors_in(output)
        return [(tensors[index], layout) for index, layout in self.layouts]

    @property
    def patches(self) -> int:
        """Positions of the finest map."""
        return max(layout.patches for _, layout in self.layouts)
