from collections.abc import Callable

import numpy as np
import pytest
import torch

from featrank.layers.layout import Anatomy, Reading
from featrank.layers.pooling import CannotPoolError, pool
from featrank.records import FloatArray

POSITIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "avg": lambda p: p.mean(1),
    "max": lambda p: p.max(1),
    "gem": lambda p: (np.maximum(p, 1e-6) ** 3).mean(1) ** (1 / 3),
    "avg+std": lambda p: np.hstack([p.mean(1), p.std(1)]),
}


def anatomy(prefix: int = 0) -> Anatomy:
    return Anatomy((28, 28), prefix, prefix > 0, "avg", frozenset())


def pooled(output: object, pooling: str, prefix: int = 0, head: str = "avg") -> FloatArray:
    features = pool(output, Reading.of(output, 3, anatomy(prefix)), pooling, head)
    assert features.dtype == torch.float32
    values: FloatArray = features.numpy()
    return values


PATCHES = torch.randn(3, 16, 5, generator=torch.Generator().manual_seed(0))
LAYOUTS = {
    "NLC": (PATCHES, 0),
    "NLC with prefix": (torch.cat([torch.full((3, 2, 5), 99.0), PATCHES], dim=1), 2),
    "NHWC": (PATCHES.view(3, 4, 4, 5), 0),
    "NCHW": (PATCHES.view(3, 4, 4, 5).permute(0, 3, 1, 2).contiguous(), 0),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pooling", POSITIONS)
def test_every_layout_pools_alike(layout: str, pooling: str) -> None:
    tensor, prefix = LAYOUTS[layout]
    expected = POSITIONS[pooling](PATCHES.double().numpy())
    np.testing.assert_allclose(pooled(tensor, pooling, prefix), expected, rtol=1e-5, atol=1e-6)


def test_the_class_token_is_the_first() -> None:
    tokens = torch.randn(3, 18, 5)
    np.testing.assert_array_equal(pooled(tokens, "cls", 2), tokens[:, 0])


def test_auto_is_what_the_head_reads_where_the_layer_has_it() -> None:
    tokens = torch.randn(3, 17, 5)
    np.testing.assert_array_equal(pooled(tokens, "auto", 1, "token"), tokens[:, 0])
    np.testing.assert_array_equal(pooled(tokens, "auto", 1, "avg"), pooled(tokens, "avg", 1))
    patches = tokens[:, 1:]
    np.testing.assert_array_equal(pooled(patches, "auto", 1, "token"), pooled(patches, "avg"))


def test_branches_stand_side_by_side() -> None:
    fine, coarse = torch.randn(3, 6, 8, 8), torch.randn(3, 9, 4, 4)
    expected = np.hstack([fine.mean((2, 3)), coarse.mean((2, 3))])
    np.testing.assert_allclose(pooled([fine, coarse], "avg"), expected, rtol=1e-5, atol=1e-6)
    # PiT hands on its map and its class token apart.
    token = torch.randn(3, 1, 6)
    np.testing.assert_array_equal(pooled((fine, token), "cls", 1), token[:, 0])
    np.testing.assert_allclose(
        pooled((fine, token), "avg", 1), fine.mean((2, 3)), rtol=1e-5, atol=1e-6
    )


def test_what_is_not_there_cannot_be_pooled() -> None:
    with pytest.raises(CannotPoolError, match="no class token"):
        pooled(torch.zeros(3, 5, 4, 4), "cls")
    with pytest.raises(CannotPoolError, match="no patches"):
        pooled(torch.zeros(3, 1, 5), "max", 1)


def test_sums_run_in_float32() -> None:
    ones = torch.full((3, 4, 28, 28), 1.001, dtype=torch.bfloat16)
    exact = float(ones[0, 0, 0, 0])
    np.testing.assert_allclose(pooled(ones, "avg"), exact, rtol=1e-6)
