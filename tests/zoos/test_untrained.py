from __future__ import annotations

from featrank.zoos import Shelf
from featrank.zoos.untrained import ZOO


def test_the_same_recipe_draws_the_same_numbers(shelf: Shelf) -> None:
    import torch

    (model,) = ZOO.resolve("test_resnet", shelf)
    weights = ZOO.fetch_weights(model, shelf)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = ZOO.load(model, weights).network
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = ZOO.load(model, weights).network
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor)
    assert not first.training


def test_names(shelf: Shelf) -> None:
    (plain,) = ZOO.resolve("ResNet-50", shelf)
    assert (plain.id, plain.note) == ("random:resnet50", "ResNet-50 -> resnet50")
    (tagged,) = ZOO.resolve("resnet50.a1_in1k", shelf)
    assert tagged.name == "resnet50.a1_in1k"
    assert len(ZOO.resolve("resnet*", shelf)) > 10
    assert ZOO.resolve("nothing", shelf) == []


def test_the_recipe_names_what_it_depends_on(shelf: Shelf) -> None:
    fingerprints = {
        ZOO.find_weights(model, shelf).fingerprint
        for text in ("resnet18", "resnet34", "resnet18.a1_in1k")
        for model in ZOO.resolve(text, shelf)
    }
    assert len(fingerprints) == 3
