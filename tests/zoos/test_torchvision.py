"""torchvision's classifiers, with torchvision itself as the reference."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import LoopbackHub

from featrank.errors import IncompleteError, InputError
from featrank.zoos import Shelf, resolve_models
from featrank.zoos.torchvision import ZOO, adapt, build

MODEL = "mobilenet_v3_small"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """A file as torchvision publishes it, with seeded numbers: its name and content."""
    import torch
    from torchvision import models

    path = tmp_path_factory.mktemp("weights") / "w.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(models.get_model(MODEL, weights=None).state_dict(), path)
    content = path.read_bytes()
    return f"{MODEL}-{hashlib.sha256(content).hexdigest()[:8]}.pth", content


@pytest.fixture
def served(
    stored: tuple[str, bytes], shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LoopbackHub]:
    """A mirror of torchvision's server that has that file."""
    name, content = stored
    entry = shelf.torchvision.of(MODEL)[0]
    url = f"https://download.example.invalid/models/resolve/main/{name}"
    monkeypatch.setitem(shelf.torchvision.entries, entry.name, dataclasses.replace(entry, url=url))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with LoopbackHub({f"models/{name}": content}) as server:
        monkeypatch.setenv("FEATRANK_WEIGHTS_MIRROR", server.url)
        yield server


def test_names(shelf: Shelf) -> None:
    for text in (
        "resnet50", "resnet50.IMAGENET1K_V2", "ResNet50_Weights.IMAGENET1K_V2",
        "ResNet50_Weights.DEFAULT",
    ):  # fmt: skip
        (model,) = resolve_models([f"torchvision:{text}"], shelf)
        assert model.id == "torchvision:resnet50.IMAGENET1K_V2"
    (old,) = ZOO.resolve("ResNet50_Weights.IMAGENET1K_V1", shelf)
    assert old.name == "resnet50.IMAGENET1K_V1"
    assert [m.name for m in ZOO.resolve("resnet1?", shelf)] == ["resnet18.IMAGENET1K_V1"]
    assert ZOO.resolve("resnet5", shelf) == []
    with pytest.raises(InputError, match="no weights 'IMAGENET1K_V9'"):
        ZOO.resolve("resnet50.IMAGENET1K_V9", shelf)


def test_downloads_checks_and_loads(
    served: LoopbackHub, shelf: Shelf, stored: tuple[str, bytes]
) -> None:
    import torch
    from torchvision import models

    (model,) = ZOO.resolve(MODEL, shelf)
    assert ZOO.find_weights(model, shelf) is None
    assert ZOO.download_size(model, shelf) == len(stored[1])
    weights = ZOO.fetch_weights(model, shelf)
    asked = len(served.requests)
    assert ZOO.fetch_weights(model, shelf) == ZOO.find_weights(model, shelf) == weights
    assert len(served.requests) == asked
    network: Any = ZOO.load(model, weights).network
    theirs = models.get_model(MODEL, weights=None).eval()
    assert weights.path is not None
    theirs.load_state_dict(torch.load(weights.path, weights_only=True))
    pixels = torch.rand(2, 3, 224, 224)
    with torch.inference_mode():
        features = network.forward_head(network.forward_features(pixels), pre_logits=True)
        assert torch.equal(network(pixels), theirs(pixels))
        assert torch.equal(theirs.classifier[3](features), theirs(pixels))


def test_a_wrong_checksum_is_not_kept(
    served: LoopbackHub, shelf: Shelf, stored: tuple[str, bytes]
) -> None:
    served.files[f"models/{stored[0]}"] = stored[1][:-1] + b"x"
    (model,) = ZOO.resolve(MODEL, shelf)
    with pytest.raises(IncompleteError, match="checksum mismatch"):
        ZOO.fetch_weights(model, shelf)
    assert ZOO.find_weights(model, shelf) is None
    served.files[f"models/{stored[0]}"] = stored[1]
    assert ZOO.fetch_weights(model, shelf)


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


def test_its_layers_can_be_listed() -> None:
    from featrank.layers.architectures import describe_architecture

    layers = describe_architecture("torchvision:resnet18", (3, 224, 224))
    names = [layer.name for layer in layers]
    assert "body.layer4.1" in names
    assert names[-2:] == ["pre_logits", "head"]
    assert layers[-2].widths["auto"] == 512
