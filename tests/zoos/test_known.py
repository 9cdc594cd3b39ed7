from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import featrank
from featrank.errors import IncompleteError, InputError
from featrank.records import ModelRef
from featrank.zoos import ZOOS, Shelf, build_network, load_network, resolve_models
from featrank.zoos._known import Asked, ask_for


def test_the_zoos_there_are() -> None:
    assert set(ZOOS.names()) == {
        "checkpoint", "hf-hub", "local-dir", "package", "random", "timm", "torchvision",
    }  # fmt: skip
    assert not any(ZOOS.origin(name) for name in ZOOS.names())


# The one names zoos in its help, the other is a kind of target with the name of a zoo.
SPEAKING = {"cli/_options.py", "targets/torchvision_sets.py"}


def test_no_other_file_names_a_zoo() -> None:
    """Strings of the code: a zoo's name (unless it is a library's too), or one with a colon."""
    root = Path(featrank.__file__).parent
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*.py")}
    zoos = {name for name in files if re.fullmatch(r"zoos/[^_/][^/]*\.py", name)}
    names = set(ZOOS.names())
    alone, prefixes = names - {"timm", "torchvision"}, tuple(f"{name}:" for name in names)
    for name in files.keys() - zoos - SPEAKING:
        for node in ast.walk(ast.parse(files[name].read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                said = node.value in alone or node.value.startswith(prefixes)
                assert not said, f"{name}, line {node.lineno}"


def asked(text: str) -> tuple[list[str], str, str, bool]:
    found: Asked = ask_for(text)
    return [zoo.name for zoo in found.zoos], found.text, found.prefix, found.bare


def test_whom_a_name_is_for() -> None:
    assert asked("resnet50") == (["timm"], "resnet50", "", True)
    assert asked("random:resnet50") == (["random"], "resnet50", "random:", False)
    assert asked("resnet50@a:b.pth") == (["checkpoint"], "resnet50@a:b.pth", "", False)
    assert asked("hf-hub:org/name@v1") == (["hf-hub"], "org/name@v1", "hf-hub:", False)
    with pytest.raises(InputError, match="unknown zoo 'tim'"):
        ask_for("tim:resnet50")


@pytest.mark.parametrize("name", ["random:test_vit", "torchvision:resnet18", "timm:test_resnet"])
def test_a_network_without_weights_is_the_one_with_them(name: str, shelf: Shelf) -> None:
    import torch

    (model,) = resolve_models([name], shelf)
    network = build_network(model, shelf)
    assert not network.training
    size = {"random:test_vit": 160, "timm:test_resnet": 160}.get(name, 224)
    with torch.device(next(network.parameters()).device):
        assert network(torch.zeros(1, 3, size, size)).shape == (1, 1000)
    if name.startswith("random:"):
        (weights,) = [ZOOS.get("random").find_weights(model, shelf)]
        loaded = load_network(model, weights).network
        shapes = {key: value.shape for key, value in loaded.state_dict().items()}
        assert {key: value.shape for key, value in network.state_dict().items()} == shapes


def test_layers_that_take_weights_say_so(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    zoo = ZOOS.get("timm")
    monkeypatch.setattr(zoo, "build", lambda model: None, raising=False)
    monkeypatch.setattr(zoo, "find_weights", lambda model, shelf: None, raising=False)
    with pytest.raises(IncompleteError, match="once its weights are on this machine") as caught:
        build_network(ModelRef("a", "timm", "test_vit.r160_in1k", "test_vit"), shelf)
    assert "featrank models timm:test_vit.r160_in1k --prefetch" in caught.value.hint
