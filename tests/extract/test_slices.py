import pytest
import torch
from torch import nn

from featrank.extract.slices import MapGauge, split_batch

MIB = 2**20


def test_the_gauge_sees_the_largest_output_of_any_module() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Identity(), nn.Conv2d(8, 2, 1))
    gauge = MapGauge()
    with gauge.watch():
        network(torch.zeros(1, 3, 10, 10))
    assert gauge.largest == 4 * 8 * 10 * 10
    network(torch.zeros(9, 3, 10, 10))
    assert gauge.largest == 4 * 8 * 10 * 10


def test_the_gauge_sees_into_what_a_module_returns() -> None:
    class Pair(nn.Module):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor], None]:
            return x, [x.repeat(1, 3)], None

    gauge = MapGauge()
    with gauge.watch():
        Pair()(torch.zeros(1, 5))
    assert gauge.largest == 4 * 15


@pytest.mark.parametrize(
    ("n_images", "largest_map", "sizes"),
    [
        (32, 0, [32]),
        (32, MIB // 2, [32]),
        (33, MIB // 2, [17, 16]),
        (32, 5 * MIB, [3] * 10 + [2]),
        (3, 100 * MIB, [1, 1, 1]),
        (1, 100 * MIB, [1]),
    ],
)
def test_parts_are_nearly_equal_and_their_maps_small(
    n_images: int, largest_map: int, sizes: list[int]
) -> None:
    pixels = torch.arange(n_images, dtype=torch.float32).view(-1, 1, 1, 1)
    parts = split_batch(pixels, largest_map)
    assert [len(part) for part in parts] == sizes
    assert torch.equal(torch.cat(parts), pixels)


def test_a_gpu_takes_the_batch_whole() -> None:
    (part,) = split_batch(torch.empty(64, 3, 2, 2, device="meta"), 100 * MIB)
    assert len(part) == 64
