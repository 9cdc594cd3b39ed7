"""What the zoos' tests share: timm's index, a small real file, a hub on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

from featrank.file_hashes import FileHashes
from featrank.zoos.hub import HUB
from featrank.zoos.timm_index import TimmIndex
from featrank.zoos.zoo import Shelf

SMALL = "test_resnet.r160_in1k"


@pytest.fixture(scope="session")
def index(indexed: Path) -> TimmIndex:
    return TimmIndex(indexed)


@pytest.fixture(scope="session")
def shelf(index: TimmIndex) -> Shelf:
    return Shelf(index, FileHashes())


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """test_resnet with seeded weights."""
    import timm
    import torch
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        save_file(timm.create_model(SMALL, pretrained=False).state_dict(), path)
    return path


@pytest.fixture(scope="session")
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def point_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Point this process's hub client at an address, with an empty cache."""
    from huggingface_hub import constants

    def point(url: str) -> None:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    HUB.reset()
    yield point
    HUB.reset()


@pytest.fixture
def hub(point_hub: Callable[[str], None], small_file: Path) -> Iterator[LoopbackHub]:
    files = {f"timm/{SMALL}/model.safetensors": small_file.read_bytes()}
    with LoopbackHub(files) as server:
        point_hub(server.url)
        yield server
