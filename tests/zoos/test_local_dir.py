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


@pytest.mark.parametrize("size", [96, [64, 96]])
def test_an_old_description_without_arguments_gives_the_size_as_timm_does(
    tmp_path: Path, shelf: Shelf, size: object
) -> None:
    import timm
    import torch
    from timm.models import save_for_hf

    network = timm.create_model("test_vit", img_size=size, num_classes=7)
    save_for_hf(network, tmp_path, safe_serialization=True)
    document = json.loads((tmp_path / "config.json").read_text())
    document.pop("model_args", None)
    sides = [size, size] if isinstance(size, int) else size
    assert isinstance(sides, list)
    document["pretrained_cfg"]["input_size"] = [3, *sides]
    (tmp_path / "config.json").write_text(json.dumps(document))
    (model,) = ZOO.resolve(str(tmp_path), shelf)
    loaded = ZOO.load(model, ZOO.find_weights(model, shelf))
    assert not loaded.misfit
    assert not loaded.notes
    state = network.state_dict()
    assert all(torch.equal(t, state[name]) for name, t in loaded.network.state_dict().items())
    assert ZOO.preprocessing(model, shelf).input_size == (3, *sides)


def test_a_network_of_grey_images(tmp_path: Path, shelf: Shelf) -> None:
    import timm
    import torch
    from PIL import Image
    from timm.models import save_for_hf

    from featrank.extract.images import load_batches
    from featrank.targets import Sample

    network = timm.create_model("test_resnet", in_chans=1, num_classes=5)
    save_for_hf(network, tmp_path, safe_serialization=True)
    (model,) = ZOO.resolve(str(tmp_path), shelf)
    preprocessing = ZOO.preprocessing(model, shelf)
    assert preprocessing.input_size == (1, 160, 160)
    assert preprocessing.mean == preprocessing.std == (0.5,)
    colour = Image.new("RGB", (160, 160), (200, 40, 90))
    samples = [Sample("a.png", "a", "0")]
    (batch,) = load_batches(samples, lambda _: colour, preprocessing, [[0]], 0, pin_memory=False)
    # ITU-R 601-2, as Pillow's grey is defined.
    grey = round((200 * 299 + 40 * 587 + 90 * 114) / 1000) / 255
    expected = torch.full((1, 1, 160, 160), (grey - 0.5) / 0.5)
    torch.testing.assert_close(batch.pixels, expected, atol=0.01, rtol=0)
    loaded = ZOO.load(model, ZOO.find_weights(model, shelf)).network
    assert loaded(expected).shape == (1, 5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"input_size": [4, 160, 160]}, "4 channels"),
        ({"input_size": [3, 0, 160]}, "pixels"),
        ({"input_size": [3, 160]}, "damaged|pixels"),
        ({"input_size": [3, 10**9, 160]}, "pixels"),
        ({"input_size": [3, 96.5, 160]}, "pixels"),
        ({"input_size": "large"}, "damaged|channels"),
    ],
)
def test_inputs_that_no_image_can_become(
    folder: Path, tmp_path: Path, shelf: Shelf, change: dict[str, object], says: str
) -> None:
    document = json.loads((folder / "config.json").read_text())
    document["model_args"] = {}
    document["pretrained_cfg"] |= change
    (tmp_path / "config.json").write_text(json.dumps(document))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match=says):
        ZOO.resolve(str(tmp_path), shelf)


def test_a_size_that_the_architecture_cannot_have(
    folder: Path, tmp_path: Path, shelf: Shelf
) -> None:
    document = json.loads((folder / "config.json").read_text())
    document["model_args"] = {"img_size": 100, "patch_size": 0}
    (tmp_path / "config.json").write_text(json.dumps(document))
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    (model,) = ZOO.resolve(str(tmp_path), shelf)
    with pytest.raises(InputError, match="timm cannot build test_vit with img_size=100"):
        ZOO.load(model, ZOO.find_weights(model, shelf))
