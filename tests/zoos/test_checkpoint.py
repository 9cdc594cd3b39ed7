from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from featrank.errors import InputError
from featrank.zoos import Shelf
from featrank.zoos.checkpoint import ZOO

if TYPE_CHECKING:
    from torch import Tensor, nn

State = dict[str, "Tensor"]


@pytest.fixture
def state(small_file: Path) -> State:
    from safetensors.torch import load_file

    return dict(load_file(small_file))


@pytest.fixture
def load(tmp_path: Path, shelf: Shelf) -> Callable[..., nn.Module]:
    """Store something as a checkpoint and load it."""

    def store_and_load(content: Any, name: str = "test_resnet") -> nn.Module:
        import torch

        path = tmp_path / "own.pth"
        torch.save(content, path)
        (model,) = ZOO.resolve(f"{name}@{path}", shelf)
        return ZOO.load(model, ZOO.fetch_weights(model, shelf)).network

    return store_and_load


def test_a_safetensors_file(small_file: Path, shelf: Shelf, state: State) -> None:
    import torch

    (model,) = ZOO.resolve(f"test_resnet@{small_file}", shelf)
    assert model.id == f"checkpoint:test_resnet.r160_in1k@{small_file}"
    assert model.requested == f"test_resnet@{small_file}"
    weights = ZOO.find_weights(model, shelf)
    assert weights.fingerprint == hashlib.sha256(small_file.read_bytes()).hexdigest()
    network = ZOO.load(model, weights).network
    assert not network.training
    assert all(torch.equal(network.state_dict()[name], state[name]) for name in state)
    assert ZOO.preprocessing(model, shelf).input_size == (3, 160, 160)


def test_the_tag_decides_the_preprocessing(small_file: Path, shelf: Shelf) -> None:
    configs = {
        ZOO.preprocessing(ZOO.resolve(f"resnet50.{tag}@{small_file}", shelf)[0], shelf)
        for tag in ("a1_in1k", "tv_in1k")
    }
    assert len(configs) == 2


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_ema", "state_dict_ema"])
def test_wrappers(wrapper: str, load: Callable[..., nn.Module], state: State) -> None:
    load({wrapper: state, "epoch": 3, "args": argparse.Namespace(lr=0.1)})


@pytest.mark.parametrize("prefix", ["module.", "backbone.", "_orig_mod.", "module._orig_mod."])
def test_prefixes(prefix: str, load: Callable[..., nn.Module], state: State) -> None:
    load({f"{prefix}{name}": tensor for name, tensor in state.items()})


def test_averaged_weights_come_first(load: Callable[..., nn.Module], state: State) -> None:
    import torch

    averaged = {name: torch.zeros_like(tensor) for name, tensor in state.items()}
    network = load({"state_dict": state, "state_dict_ema": averaged})
    assert not any(tensor.any() for tensor in network.state_dict().values())


def test_another_number_of_classes(load: Callable[..., nn.Module], state: State) -> None:
    import torch

    head = {"fc.weight": state["fc.weight"][:7], "fc.bias": state["fc.bias"][:7]}
    network = load(state | head)
    assert network(torch.zeros(1, 3, 160, 160)).shape == (1, 7)


def test_without_a_head(load: Callable[..., nn.Module], state: State) -> None:
    import torch

    network = load({name: tensor for name, tensor in state.items() if "fc." not in name})
    assert network(torch.zeros(1, 3, 160, 160)).shape == (1, state["fc.weight"].shape[1])


def test_without_batch_counts(load: Callable[..., nn.Module], state: State) -> None:
    load({name: tensor for name, tensor in state.items() if "num_batches" not in name})


def test_the_first_misfit_is_named(load: Callable[..., nn.Module], state: State) -> None:
    import torch

    with pytest.raises(InputError, match=r"1 missing: conv1\.0\.weight"):
        load({name: tensor for name, tensor in state.items() if name != "conv1.0.weight"})
    with pytest.raises(InputError, match=r"1 unexpected: layer4\.1\.bn1\.weight"):
        load(state | {"layer4.1.bn1.weight": torch.zeros(2)})
    with pytest.raises(InputError, match=r"1 reshaped: bn1\.weight: \(5,\) for \(\d+,\)"):
        load(state | {"bn1.weight": torch.zeros(5)})
    with pytest.raises(InputError, match="does not fit test_vit"):
        load(state, "test_vit")


class Bomb:
    """A pickle that leaves a trace where it is run."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.trace,)


def test_a_pickle_does_not_run(
    load: Callable[..., nn.Module], state: State, tmp_path: Path
) -> None:
    trace = tmp_path / "ran"
    with pytest.raises(InputError, match="is refused"):
        load({"state_dict": state, "bomb": Bomb(str(trace))})
    assert not trace.exists()


@pytest.mark.parametrize("content", [{}, [1, 2], {"a": 1}, 3])
def test_what_is_no_state_dict(content: object, load: Callable[..., nn.Module]) -> None:
    with pytest.raises(InputError, match="no state dict"):
        load(content)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_damaged_file(suffix: str, tmp_path: Path, shelf: Shelf) -> None:
    path = tmp_path / f"own{suffix}"
    path.write_bytes(b"damaged" * 10)
    (model,) = ZOO.resolve(f"test_resnet@{path}", shelf)
    with pytest.raises(InputError, match="own"):
        ZOO.load(model, ZOO.find_weights(model, shelf))


def test_what_cannot_be_resolved(tmp_path: Path, shelf: Shelf) -> None:
    assert ZOO.resolve("resnet50", shelf) == []
    for text, says in {
        f"resnet50@{tmp_path / 'absent.pth'}": "no such file",
        f"resnet50@{tmp_path}/*.pth": "no file matches",
        f"resnet50@{tmp_path / 'weights.npz'}": "not a weight file",
        "resnet5@own.pth": "unknown architecture 'resnet5'",
    }.items():
        with pytest.raises(InputError, match=says):
            ZOO.resolve(text, shelf)


def test_a_wildcard_of_files(small_file: Path, shelf: Shelf) -> None:
    (model,) = ZOO.resolve(f"test_resnet@{small_file.parent}/*.safetensors", shelf)
    assert model.requested == f"test_resnet@{small_file}"


def test_the_original_authors_names(load: Callable[..., nn.Module]) -> None:
    """timm converts them; here ConvNeXt's, as its authors stored them."""
    import timm
    import torch

    network = timm.create_model("test_convnext", pretrained=False)
    renamed = {}
    for name, tensor in network.state_dict().items():
        old = name.replace("stem.", "downsample_layers.0.").replace("head.fc.", "head.")
        renamed[old.replace("head.norm.", "norm.")] = tensor
    convert = timm.models.convnext.checkpoint_filter_fn
    if convert(dict(renamed), network).keys() != network.state_dict().keys():
        pytest.skip("this timm converts other names")
    loaded = load(renamed, "test_convnext")
    weight = network.state_dict()["stem.0.weight"]
    assert torch.equal(loaded.state_dict()["stem.0.weight"], weight)
