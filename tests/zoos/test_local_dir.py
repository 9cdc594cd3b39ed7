"""A folder as timm saves a model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.layers.architectures import describe_model
from featrank.zoos import Shelf, resolve_models
from featrank.zoos.local_dir import ZOO


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import timm
    from timm.models._hub import save_for_hf

    folder = tmp_path_factory.mktemp("a,folder")
    network = timm.create_model("test_vit", num_classes=7, img_size=96)
    save_for_hf(network, folder, model_args={"img_size": 96}, safe_serialization=True)
    return folder


def test_equals_timms_own_loading(folder: Path, shelf: Shelf) -> None:
    import timm
    import torch

    (model,) = resolve_models([f"local-dir:{folder}"], shelf)
    assert model.id == f"local-dir:{folder}"
    assert ZOO.built(model)[1]["img_size"] == [96, 96]
    weights = ZOO.find_weights(model, shelf)
    file = folder / "model.safetensors"
    assert weights.fingerprint == hashlib.sha256(file.read_bytes()).hexdigest()
    loaded = ZOO.load(model, weights)
    assert not loaded.misfit
    assert not loaded.network.training
    theirs = timm.create_model(f"local-dir:{folder}", pretrained=True).state_dict()
    ours = loaded.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    size = ZOO.preprocessing(model, shelf).input_size
    assert size == (3, 96, 96)
    assert loaded.network(torch.zeros(1, *size)).shape == (1, 7)
    # A vit of this size, which cannot be listed as timm's own of 160 pixels.
    assert "blocks.5" in [layer.name for layer in describe_model(model, size, shelf)]


def test_a_description_cannot_name_files_elsewhere(
    folder: Path, tmp_path: Path, shelf: Shelf
) -> None:
    document = json.loads((folder / "config.json").read_text())
    document["model_args"]["checkpoint_path"] = "/etc/passwd"
    document["pretrained_cfg"]["hf_hub_filename"] = "../secret.safetensors"
    inner = tmp_path / "model"
    inner.mkdir()
    (inner / "config.json").write_text(json.dumps(document))
    (tmp_path / "secret.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="could lead out"):
        ZOO.resolve(str(inner), shelf)
    document["pretrained_cfg"]["hf_hub_filename"] = "own.safetensors"
    (inner / "config.json").write_text(json.dumps(document))
    (inner / "own.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (model,) = ZOO.resolve(str(inner), shelf)
    assert not ZOO.load(model, ZOO.find_weights(model, shelf)).misfit


def test_asked_wrongly(tmp_path: Path, shelf: Shelf) -> None:
    with pytest.raises(InputError, match=r"no config\.json"):
        ZOO.resolve(str(tmp_path), shelf)
