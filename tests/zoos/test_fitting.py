"""Eight wrappings of one set of weights are one model; what is missing is shown, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from featrank.errors import InputError
from featrank.records import Weights
from featrank.zoos import Shelf, packages
from featrank.zoos._fitting import load_fitting
from featrank.zoos.checkpoint import ZOO
from featrank.zoos.packages import CARRIERS

WRAPPINGS = (
    "plain", "state_dict", "model_ema", "module.", "backbone.", "without head", "10 classes",
    "safetensors",
)  # fmt: skip


def wrap(kind: str, state: dict[str, Any], path: Path) -> Path:
    """Store weights as somebody might have."""
    import torch
    from safetensors.torch import save_file

    if kind == "safetensors":
        save_file(state, path.with_suffix(".safetensors"))
        return path.with_suffix(".safetensors")
    body = {name: tensor for name, tensor in state.items() if not name.startswith("classifier.")}
    head = {name: tensor[:10] for name, tensor in state.items() if name not in body}
    torch.manual_seed(0)
    noise = {name: torch.rand_like(tensor.float()) for name, tensor in state.items()}
    content: dict[str, Any] = {
        "plain": state,
        "state_dict": {"state_dict": state, "epoch": 7},
        "model_ema": {"state_dict": noise, "model_ema": state, "optimizer": {"lr": 0.1}},
        "module.": {f"module.{name}": tensor for name, tensor in state.items()},
        "backbone.": {f"backbone.{name}": tensor for name, tensor in state.items()},
        "without head": body,
        "10 classes": body | head,
    }[kind]
    torch.save(content, path)
    return path


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.distribution)
def test_eight_wrappings_give_the_same_features(
    carrier: packages.Carrier, tmp_path: Path, shelf: Shelf
) -> None:
    if carrier.find() is None:
        pytest.skip(f"needs the package {carrier.distribution}")
    import torch
    from sklearn.datasets import load_sample_images
    from timm.data import create_transform

    (model,) = packages.ZOO.resolve(carrier.model, shelf)
    trained = packages.ZOO.load(model, packages.ZOO.fetch_weights(model, shelf)).network
    from PIL import Image

    transform = create_transform(**packages.ZOO.preprocessing(model, shelf).to_config())
    pixels = torch.stack([transform(Image.fromarray(i)) for i in load_sample_images().images])

    def features(network: Any) -> Any:
        with torch.inference_mode():
            return network.forward_head(network.forward_features(pixels), pre_logits=True)

    expected = features(trained)
    for kind in WRAPPINGS:
        path = wrap(kind, trained.state_dict(), tmp_path / "own.pth")
        (own,) = ZOO.resolve(f"{carrier.model}@{path}", shelf)
        loaded = ZOO.load(own, ZOO.fetch_weights(own, shelf))
        assert torch.equal(features(loaded.network), expected), kind
        assert loaded.misfit.document == {
            "without head": {"missing": ["classifier.weight", "classifier.bias"]},
            "10 classes": {
                "reshaped": [
                    "classifier.weight: (10, 1280) for (1000, 1280)",
                    "classifier.bias: (10,) for (1000,)",
                ]
            },
        }.get(kind, {}), kind


@pytest.fixture
def state(small_file: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(small_file))


def stored(state: dict[str, Any], tmp_path: Path) -> Path:
    from safetensors.torch import save_file

    save_file(state, tmp_path / "own.safetensors")
    return tmp_path / "own.safetensors"


def test_more_than_the_head_missing_needs_leave(
    state: dict[str, Any], tmp_path: Path, indexed: Path
) -> None:
    import torch

    lost = [name for name in state if name.startswith("layer4")]
    path = stored({k: v for k, v in state.items() if k not in lost}, tmp_path)
    gone = [name for name in lost if "num_batches" not in name]
    with pytest.raises(InputError, match=f"{len(gone)} missing: layer4") as caught:
        load_fitting("test_resnet", Weights("", path))
    assert "--allow-partial" in caught.value.hint
    first, second = (load_fitting("test_resnet", Weights("", path, partial=True)) for _ in range(2))
    assert sorted(first.misfit.missing) == sorted(gone)
    own, again = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(own[name], state[name]) for name in state if name not in lost)
    assert all(torch.equal(own[name], again[name]) for name in own)

    shelves = [Shelf(indexed, allow_partial=partial) for partial in (False, True)]
    (model,) = ZOO.resolve(f"test_resnet@{path}", shelves[0])
    prints = {ZOO.find_weights(model, shelf).fingerprint for shelf in shelves}
    assert len(prints) == 2


def test_another_architecture_is_refused_even_partially(
    state: dict[str, Any], tmp_path: Path
) -> None:
    path = stored(state, tmp_path)
    for partial in (False, True):
        with pytest.raises(InputError, match="does not fit test_vit"):
            load_fitting("test_vit", Weights("", path, partial=partial))


def test_a_deeper_networks_weights_are_refused(tmp_path: Path) -> None:
    """All that resnet26 has is there with the right shapes, and yet it is a resnet50."""
    import timm

    path = stored(timm.create_model("resnet50", num_classes=0).state_dict(), tmp_path)
    with pytest.raises(InputError, match=r"unexpected: layer1\.2"):
        load_fitting("resnet26", Weights("", path))


def test_a_head_by_another_name(state: dict[str, Any], tmp_path: Path) -> None:
    import torch

    body = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    loaded = load_fitting(
        "test_resnet", Weights("", stored(body | {"head.2.weight": torch.ones(3, 3)}, tmp_path))
    )
    assert loaded.misfit.document == {
        "missing": ["fc.weight", "fc.bias"], "unexpected": ["head.2.weight"],
    }  # fmt: skip
