from __future__ import annotations

from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

from featrank.errors import IncompleteError, InputError
from featrank.records import Weights
from featrank.zoos import Shelf
from featrank.zoos._timm_index import TimmIndex
from featrank.zoos.timm import ZOO


def names(text: str, shelf: Shelf) -> list[str]:
    return [model.name for model in ZOO.resolve(text, shelf)]


def test_names_always_carry_their_tag(shelf: Shelf) -> None:
    (model,) = ZOO.resolve("vit_b16", shelf)
    assert model.id == "timm:vit_base_patch16_224.augreg2_in21k_ft_in1k"
    assert model.note == "vit_b16 -> vit_base_patch16_224.augreg2_in21k_ft_in1k"
    assert model.architecture == "vit_base_patch16_224"
    assert names("resnet50.tv_in1k", shelf) == ["resnet50.tv_in1k"]


def test_wildcards(shelf: Shelf) -> None:
    assert "resnet18.a1_in1k" in names("resnet1?", shelf)
    assert names("resnet18.fb_*", shelf) == [
        f"resnet18.fb_{kind}_ft_in1k" for kind in ("ssl_yfcc100m", "swsl_ig1b")
    ]
    assert names("nothing*", shelf) == []
    assert all(shelf.of(TimmIndex).entry(name).has_weights for name in names("vit_*", shelf))


def test_an_architecture_without_weights(shelf: Shelf) -> None:
    bare = next(
        name
        for name in shelf.of(TimmIndex).architectures()
        if not shelf.of(TimmIndex).tags(name) and name.startswith("vit")
    )
    with pytest.raises(InputError, match="no weights") as caught:
        ZOO.resolve(bare, shelf)
    assert f"random:{bare}" in caught.value.hint


def test_from_the_hub_to_a_network(hub: LoopbackHub, shelf: Shelf, small_file: Path) -> None:
    import torch
    from safetensors.torch import load_file

    (model,) = ZOO.resolve("test_resnet", shelf)
    assert ZOO.find_weights(model, shelf) is None
    weights = ZOO.fetch_weights(model, shelf)
    asked = len(hub.requests)
    assert ZOO.fetch_weights(model, shelf) == ZOO.find_weights(model, shelf) == weights
    network = ZOO.load(model, weights).network
    assert len(hub.requests) == asked
    assert not network.training
    for name, tensor in load_file(small_file).items():
        assert torch.equal(network.state_dict()[name], tensor)


def test_loading_a_custom_format_entry_reads_the_ordinary_file(
    tmp_path: Path, shelf: Shelf
) -> None:
    """timm's `custom_load` describes the file at the entry's url, not the hub's."""
    import timm
    from safetensors.torch import save_file

    name = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    assert shelf.of(TimmIndex).entry(name).custom_load
    path = tmp_path / "model.safetensors"
    save_file(timm.create_model(name, pretrained=False).state_dict(), path)
    (model,) = ZOO.resolve(name, shelf)
    assert ZOO.load(model, Weights("", path)).network.num_classes == 1000


def test_a_damaged_file(tmp_path: Path, shelf: Shelf) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\x00" * 100)
    (model,) = ZOO.resolve("test_resnet", shelf)
    with pytest.raises(IncompleteError, match="cannot load test_resnet"):
        ZOO.load(model, Weights("", path))


def test_an_entry_that_names_no_repository_is_not_on_this_machine(shelf: Shelf) -> None:
    from dataclasses import replace

    from featrank.zoos.timm import _is_cached

    entry = shelf.of(TimmIndex).entry("resnet18.a1_in1k")
    assert not _is_cached(replace(entry, hub_id="x" * 5000))
