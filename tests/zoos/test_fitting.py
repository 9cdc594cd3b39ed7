"""Eight wrappings of one set of weights are one model; what is missing is shown, or refused."""

from __future__ import annotations

from argparse import Namespace
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


ARCHITECTURES = ("test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_mambaout")

# How a network's tensors lie in files: keys that lead to them, and what stands before each name.
LAYOUTS: dict[str, tuple[tuple[str, ...], str]] = {
    "bare.pth": ((), ""),
    "bare.bin": ((), ""),
    "bare.safetensors": ((), ""),
    "model_best.pth.tar": (("state_dict",), ""),
    "distributed.pth.tar": (("state_dict",), "module."),
    "lightning.ckpt": (("state_dict",), "model."),
    "tutorial.pt": (("model_state_dict",), ""),
    "fabric.ckpt": (("model",), "_forward_module."),
    "compiled.pt": (("state_dict",), "_orig_mod."),
    "compiled-distributed.pt": ((), "module._orig_mod."),
    "swa.pt": ((), "module."),
    "dino.pth": (("teacher",), "module.backbone."),
    "moco.pth.tar": (("state_dict",), "module.encoder_q."),
    "moco-v3.pth.tar": (("state_dict",), "module.base_encoder."),
    "open_clip.pt": (("state_dict",), "module.visual.trunk."),
    "timm-wrapper.safetensors": ((), "timm_model."),
    "mmpretrain.pth": (("state_dict",), "backbone."),
    "segmentation.pth": (("net",), "encoder."),
    "detectron.pth": (("model",), "backbone.bottom_up."),
    "accelerate.bin": ((), "module.model."),
    "deep.pt": (("run", "best", "weights"), "learner.network."),
    "sequential.pth": ((), "0."),
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_network_is_found_however_it_lies_in_a_file(architecture: str, tmp_path: Path) -> None:
    import numpy as np
    import timm
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    network = timm.create_model(architecture, pretrained=False, num_classes=7).eval()
    state = network.state_dict()
    images = torch.rand(1, 3, *network.pretrained_cfg["input_size"][1:])
    with torch.inference_mode():
        expected = network(images)
    beside = {
        "epoch": np.int64(3), "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}},
        "args": Namespace(model=architecture), "best": np.float32(0.5), "path": tmp_path,
    }  # fmt: skip
    for layout, (keys, prefix) in LAYOUTS.items():
        path = tmp_path / layout
        content: Any = {f"{prefix}{name}": tensor.clone() for name, tensor in state.items()}
        if prefix:
            content |= {"queue": torch.zeros(2, 2), "n_averaged": torch.tensor(3)}
        for key in reversed(keys):
            content = {**beside, key: content}
        if path.suffix == ".safetensors":
            save_file(content, path)
        else:
            torch.save(content, path)
        loaded = load_fitting(architecture, Weights("", path))
        own = loaded.network.state_dict()
        assert own.keys() == state.keys(), layout
        assert all(torch.equal(own[name], state[name]) for name in state), layout
        with torch.inference_mode():
            assert torch.equal(loaded.network(images), expected), layout
        place = ".".join((*keys, *filter(None, [prefix.rstrip(".")]))).replace("_orig_mod", "")
        assert place.strip(".") in " ".join(loaded.notes), layout


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: (t * 127).round().to(__import__("torch").int8), "holds int8"),
        (lambda t: t > 0, "holds bool"),
        (lambda t: t * float("nan"), "holds NaN"),
        (lambda t: t / 0, "holds NaN or infinity"),
    ],
)
def test_numbers_that_are_no_weights(
    state: dict[str, Any], tmp_path: Path, change: Any, says: str
) -> None:
    changed = state | {"layer3.0.conv1.weight": change(state["layer3.0.conv1.weight"])}
    with pytest.raises(InputError, match=rf"'layer3\.0\.conv1\.weight' {says}"):
        load_fitting("test_resnet", Weights("", stored(changed, tmp_path)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats_are_weights(state: dict[str, Any], tmp_path: Path, dtype: str) -> None:
    import torch

    kind = getattr(torch, dtype)
    changed = {k: t.to(kind) if t.is_floating_point() else t for k, t in state.items()}
    assert load_fitting("test_resnet", Weights("", stored(changed, tmp_path))).network


def test_position_embeddings_of_another_size_are_said(tmp_path: Path) -> None:
    import timm

    network = timm.create_model("test_vit", img_size=96, pretrained=False)
    path = stored(network.state_dict(), tmp_path)
    (note,) = load_fitting("test_vit", Weights("", path)).notes
    assert note.startswith("position embeddings of another size are resampled: pos_embed (1, ")


def test_a_key_of_the_users_is_followed(state: dict[str, Any], tmp_path: Path) -> None:
    import torch

    other = {k: t + 1 if t.is_floating_point() else t for k, t in state.items()}
    torch.save({"student": state, "teacher": other}, tmp_path / "own.pth")
    for key, expected in (("", other), ("student", state), ("teacher", other)):
        loaded = load_fitting("test_resnet", Weights("", tmp_path / "own.pth", key=key))
        assert torch.equal(loaded.network.state_dict()["fc.bias"], expected["fc.bias"])
    with pytest.raises(InputError, match="nothing under 'pupil'"):
        load_fitting("test_resnet", Weights("", tmp_path / "own.pth", key="pupil"))
