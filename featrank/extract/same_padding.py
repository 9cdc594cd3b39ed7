"""TensorFlow's "same" padding without a padded copy of the map."""

from __future__ import annotations

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import get_same_padding
from torch import nn
from torch.nn import functional


class SamePadded(nn.Module):
    """A ``Conv2dSame`` whose convolution pads for itself.

    That padding may be longer by one at the end than at the start, which a convolution cannot do.
    Both sides are padded by the start's length and a stride then, and what comes out at the first
    position, a stride too early, is left out. timm copies the whole map into a larger one: a tenth
    of the time of an EfficientNet-Lite.
    """

    def __init__(self, convolution: Conv2dSame) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The convolution's output, equal to its own but for rounding."""
        convolution = self.convolution
        axes = zip(
            pixels.shape[2:],
            convolution.kernel_size,
            convolution.stride,
            convolution.dilation,
            strict=True,
        )
        (top, above), (left, before) = (_padding(*axis) for axis in axes)
        output: torch.Tensor = functional.conv2d(
            pixels,
            convolution.weight,
            convolution.bias,
            convolution.stride,
            (top, left),
            convolution.dilation,
            convolution.groups,
        )
        # Dense, as the next convolution would make it: a mean over a view takes nine times longer.
        return output[:, :, above:, before:].clone() if above or before else output


def _padding(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """How far to pad both sides of an axis, and the positions to leave out at its start."""
    start, longer = divmod(get_same_padding(size, kernel, stride, dilation), 2)
    return start + longer * stride, longer
