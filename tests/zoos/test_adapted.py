"""A classifier as the forward loop takes it, with torchvision's as the examples."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from featrank.errors import IncompleteError
from featrank.zoos._adapted import adapt, as_backbone
from featrank.zoos.torchvision import build


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "vit_b_32", "googlenet"])
def test_features_are_what_the_last_linear_layer_reads(name: str) -> None:
    import torch
    from torch import nn

    plain = build(name, "", None).eval()
    seen = []
    last = [m for m in plain.modules() if isinstance(m, nn.Linear)][-1]
    handle = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    pixels = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        logits = plain(pixels)
        handle.remove()
        network: Any = adapt(plain).eval()
        assert torch.equal(network.forward_features(pixels), seen[0])
        assert torch.equal(network(pixels), logits)


def test_an_adapted_network_goes_with_its_last_user() -> None:
    network = build("resnet18", "", None)
    gone = [weakref.ref(network), *map(weakref.ref, network.parameters())]
    gc.collect()
    gc.disable()
    try:
        adapted = adapt(network)
        gone.append(weakref.ref(adapted))
        del network, adapted
        assert not [one for one in gone if one() is not None]
    finally:
        gc.enable()


def test_a_network_without_a_linear_layer() -> None:
    with pytest.raises(IncompleteError, match="no linear classifier"):
        adapt(build("squeezenet1_1", "", None))


def test_what_has_the_names_stays_as_it_is() -> None:
    import timm
    from torch import nn

    network = timm.create_model("test_resnet", pretrained=False)
    assert as_backbone(network) is network
    adapted: Any = as_backbone(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)))
    assert (adapted.num_features, adapted.num_classes) == (12, 3)
    assert as_backbone(adapted) is adapted
