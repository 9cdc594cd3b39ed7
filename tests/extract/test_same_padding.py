from __future__ import annotations

import pytest
import torch
from timm.layers.conv2d_same import Conv2dSame

from featrank.extract.same_padding import SamePadded


@pytest.mark.parametrize("size", [(12, 12), (13, 13), (12, 15), (7, 6)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5, (3, 4)])
@pytest.mark.parametrize("stride", [1, 2, 3, (2, 1)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_equals_the_convolution_of_a_padded_map(size, kernel, stride, dilation) -> None:
    torch.manual_seed(0)
    convolution = Conv2dSame(4, 6, kernel, stride=stride, dilation=dilation, groups=2)
    pixels = torch.randn(2, 4, *size)
    with torch.no_grad():
        expected, found = convolution(pixels), SamePadded(convolution)(pixels)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected)
