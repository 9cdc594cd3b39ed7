"""torchvision's classifiers, with torchvision itself as the reference."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import LoopbackHub

from featrank.errors import IncompleteError, InputError
from featrank.zoos import Shelf, resolve_models
from featrank.zoos._torchvision_index import TorchvisionIndex
from featrank.zoos.torchvision import ZOO, build

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
    index = shelf.of(TorchvisionIndex)
    entry = index.of(MODEL)[0]
    url = f"https://download.example.invalid/models/resolve/main/{name}"
    monkeypatch.setitem(index.entries, entry.name, dataclasses.replace(entry, url=url))
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


@pytest.mark.parametrize("name", ["densenet121", "googlenet", "vit_b_32"])
def test_torchvisions_own_conversions_apply(name: str, shelf: Shelf) -> None:
    """Of names, of auxiliary heads, of input size; and its enumeration stays as it is."""
    import torch
    from torchvision import models

    kind = models.get_model_weights(name)
    before = list(kind), dict(kind.DEFAULT.__dict__)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        heads = {"init_weights": True} if name == "googlenet" else {}
        state = models.get_model(name, weights=None, **heads).state_dict()
    network = build(name, kind.DEFAULT.name, dict(state))
    own = network.state_dict()
    assert {key for key in own if not key.startswith("aux")} <= set(state)
    assert all(torch.equal(own[key], state[key]) for key in own)
    assert (list(kind), dict(kind.DEFAULT.__dict__)) == before
    assert type(kind.DEFAULT).get_state_dict is models.WeightsEnum.get_state_dict


def test_its_layers_can_be_listed(shelf: Shelf) -> None:
    from featrank.layers.architectures import describe_model

    (model,) = ZOO.resolve("resnet18", shelf)
    layers = describe_model(model, (3, 224, 224), shelf)
    names = [layer.name for layer in layers]
    assert "body.layer4.1" in names
    assert names[-2:] == ["pre_logits", "head"]
    assert layers[-2].widths["auto"] == 512
