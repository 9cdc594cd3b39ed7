from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from featrank.layers.trace import trace

SIZE = (3, 8, 8)


class Small(nn.Module):
    """Two blocks around a skip connection, and timm's two halves of a forward pass."""

    num_classes = 4

    def __init__(self, *, needs_numbers: bool = False) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 1, bias=False)
        self.inner = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.outer = nn.ReLU(inplace=True)
        self.classifier = nn.Linear(6, 4)
        self.needs_numbers = needs_numbers

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        if self.needs_numbers and float(x.sum()) < 0:
            return x
        x = x + self.inner(x)
        out: torch.Tensor = self.outer(x)
        return out

    def forward_head(self, x: torch.Tensor, pre_logits: bool = False) -> Any:
        x = x.mean((2, 3))
        return x if pre_logits else self.classifier(x)


@pytest.mark.parametrize("needs_numbers", [False, True])
def test_what_is_bypassed_is_no_bottleneck(needs_numbers: bool) -> None:
    traced = trace(Small(needs_numbers=needs_numbers).eval(), SIZE)
    found = {call.name: traced.is_bottleneck(call) for call in traced.calls}
    assert found == {"first": True, "inner": False, "outer": True}


def test_costs_are_those_up_to_the_call() -> None:
    traced = trace(Small().eval(), SIZE)
    macs = {call.name: call.macs for call in traced.calls}
    n_params = {call.name: call.n_params for call in traced.calls}
    assert macs == {"first": 64 * 18, "inner": 64 * (18 + 324), "outer": 64 * (18 + 324)}
    activations = {call.name: call.activations for call in traced.calls}
    assert activations == {"first": 64 * 6, "inner": 64 * 12, "outer": 64 * 12}
    assert n_params == {"first": 18, "inner": 18 + 324, "outer": 18 + 324}
    assert traced.head is not None
    assert traced.head.macs == 64 * (18 + 324) + 24
    assert traced.head.activations == 64 * 12 + 4
    assert traced.head.n_params == 18 + 324 + 28


def test_the_count_is_torchs_own() -> None:
    import timm

    network = timm.create_model("test_vit", pretrained=False).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(2, 3, 160, 160))
    head = trace(network, (3, 160, 160)).head
    assert head is not None
    assert head.macs == counter.get_total_flops() // 2 // 2


def test_the_network_is_untouched_and_its_hooks_are_gone() -> None:
    network = Small().eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trace(network, SIZE)
    for name, value in network.state_dict().items():
        assert value.device.type == "cpu"
        torch.testing.assert_close(value, before[name])
    assert not any(module._forward_hooks for module in network.modules())
