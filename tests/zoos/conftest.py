"""What the zoos' tests share: timm's index, a small real file, a hub on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

from featrank.storage.file_hashes import FileHashes
from featrank.zoos import Shelf
from featrank.zoos._timm_index import TimmIndex

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
def hub(point_hub: Callable[[str], None], small_file: Path) -> Iterator[LoopbackHub]:
    files = {f"timm/{SMALL}/model.safetensors": small_file.read_bytes()}
    with LoopbackHub(files) as server:
        point_hub(server.url)
        yield server
