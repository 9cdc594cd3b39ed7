"""What holds for every zoo."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from featrank.records import ModelRef
from featrank.zoos import ZOOS, Shelf, Zoo, resolve_models, zoo_of
from featrank.zoos._timm_index import TimmIndex

SAMPLES = 12


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("index"))


@pytest.fixture(params=ZOOS.names())
def zoo(request: pytest.FixtureRequest) -> Zoo:
    return ZOOS.get(request.param)


@pytest.fixture
def models(zoo: Zoo, shelf: Shelf) -> list[ModelRef]:
    """A spread of what the zoo offers."""
    names = zoo.names(shelf)
    picked = names[:: max(1, len(names) // SAMPLES)]
    return [model for name in picked for model in zoo.resolve(name, shelf)]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fail on any connection; look into empty caches."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))


def test_names_resolve_to_themselves(zoo: Zoo, shelf: Shelf) -> None:
    names = zoo.names(shelf)
    assert len(names) == len(set(names))
    for name in names[:: max(1, len(names) // SAMPLES)]:
        (model,) = zoo.resolve(name, shelf)
        assert model.zoo == zoo.name
        assert name in {model.name, model.architecture.removeprefix("torchvision:")}
        known = {*shelf.of(TimmIndex).architectures(), *(f"torchvision:{n}" for n in names)}
        assert model.architecture in known
        assert model.requested == name


def test_a_resolved_id_resolves_to_itself(models: list[ModelRef], shelf: Shelf) -> None:
    for model in models:
        (again,) = resolve_models([model.id], shelf)
        assert again.id == model.id
        assert zoo_of(again).name == model.zoo


def test_what_is_unknown_is_empty(zoo: Zoo, shelf: Shelf) -> None:
    assert zoo.resolve("no_such_thing", shelf) == []
    assert zoo.resolve("no_such_*", shelf) == []


def test_preprocessing_is_sane(zoo: Zoo, models: list[ModelRef], shelf: Shelf) -> None:
    for model in models:
        config = zoo.preprocessing(model, shelf)
        channels, height, width = config.input_size
        assert channels == len(config.mean) == len(config.std)
        assert 32 <= height <= 1024
        assert 32 <= width <= 1024
        assert 0.5 <= config.crop_pct <= 1.2
        assert config.crop_mode in {"center", "squash", "border"}
        assert config.interpolation in {"bilinear", "bicubic", "nearest", "lanczos", "random"}
        assert all(0 <= value <= 1 for value in config.mean)
        assert all(0 < value <= 1 for value in config.std)


@pytest.mark.usefixtures("no_network")
def test_finding_never_uses_the_network(zoo: Zoo, models: list[ModelRef], shelf: Shelf) -> None:
    for model in models:
        weights = zoo.find_weights(model, shelf)
        if weights is not None:
            assert len(weights.fingerprint) == 64
            assert weights == zoo.fetch_weights(model, shelf)
