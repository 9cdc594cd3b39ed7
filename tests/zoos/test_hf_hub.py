"""Models of the hub by their repository, from a hub on loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

from featrank.errors import IncompleteError, InputError
from featrank.zoos import Shelf, resolve_models
from featrank.zoos.hf_hub import ZOO

REPOSITORY = "somebody/their-vit"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    import timm
    from timm.models._hub import save_for_hf

    folder = tmp_path_factory.mktemp("repository")
    save_for_hf(timm.create_model("test_vit", num_classes=7), folder, safe_serialization=True)
    return {f"{REPOSITORY}/{f.name}": f.read_bytes() for f in folder.iterdir()}


def test_from_the_hub_to_a_network(
    hub: LoopbackHub, files: dict[str, bytes], shelf: Shelf, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load

    hub.files = files
    (model,) = resolve_models([f"hf-hub:{REPOSITORY}"], shelf)
    assert (model.id, ZOO.built(model)[0]) == (f"hf-hub:{REPOSITORY}", "test_vit")
    assert model.architecture.startswith("test_vit")
    assert ZOO.find_weights(model, shelf) is None
    assert ZOO.download_size(model, shelf) == len(files[f"{REPOSITORY}/model.safetensors"])
    weights = ZOO.fetch_weights(model, shelf)
    asked = len(hub.requests)
    (again,) = resolve_models([f"hf-hub:{REPOSITORY}"], shelf)
    assert ZOO.find_weights(again, shelf) == weights
    loaded = ZOO.load(again, weights)
    assert len(hub.requests) == asked
    state = load(files[f"{REPOSITORY}/model.safetensors"])
    assert not loaded.misfit
    assert all(torch.equal(loaded.network.state_dict()[k], v) for k, v in state.items())


def test_out_of_reach_fails_the_model_and_not_the_run(hub: LoopbackHub, shelf: Shelf) -> None:
    hub.statuses[f"{REPOSITORY}/config.json"] = 401
    models = resolve_models([f"hf-hub:{REPOSITORY}", "random:test_vit"], shelf)
    assert [model.architecture for model in models] == ["", "test_vit"]
    for step in (ZOO.preprocessing, ZOO.fetch_weights):
        with pytest.raises(IncompleteError, match="refused access to somebody/their-vit"):
            step(models[0], shelf)
    assert ZOO.find_weights(models[0], shelf) is None


def test_what_came_late_is_not_guessed(
    hub: LoopbackHub, files: dict[str, bytes], shelf: Shelf
) -> None:
    hub.statuses[f"{REPOSITORY}/config.json"] = 500
    hub.files = files
    (model,) = resolve_models([f"hf-hub:{REPOSITORY}"], shelf)
    hub.statuses.clear()
    with pytest.raises(IncompleteError, match="a moment ago"):
        ZOO.fetch_weights(model, shelf)
    assert ZOO.find_weights(model, shelf) is None


def test_asked_wrongly(hub: LoopbackHub, shelf: Shelf) -> None:
    for text in ("resnet50", "a/b/c", "a/../b", "https://x/y"):
        assert ZOO.resolve(text, shelf) == []
    hub.files = {f"{REPOSITORY}/config.json": json.dumps({"model_type": "vit"}).encode()}
    with pytest.raises(InputError, match="describes no timm model"):
        ZOO.resolve(REPOSITORY, shelf)


def test_weights_that_do_not_fit(hub: LoopbackHub, files: dict[str, bytes], shelf: Shelf) -> None:
    from safetensors.torch import load, save

    name = f"{REPOSITORY}/model.safetensors"
    state = load(files[name])
    state.pop("norm.weight")
    hub.files = files | {name: save(state)}
    (model,) = resolve_models([f"hf-hub:{REPOSITORY}"], shelf)
    with pytest.raises(IncompleteError, match=r"1 missing: norm\.weight"):
        ZOO.load(model, ZOO.fetch_weights(model, shelf))
