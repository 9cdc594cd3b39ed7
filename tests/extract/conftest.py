"""A target of real images and a small network with seeded weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from featrank.config import Selection
from featrank.records import Preprocessing
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Target, open_target

PREPROCESSING = Preprocessing((3, 160, 160), 0.95, "center", "bicubic", (0.5,) * 3, (0.5,) * 3)


@pytest.fixture
def target(images: Path) -> Target:
    return open_target(str(images), Selection(limit_per_class=5), FileHashes())


@pytest.fixture
def network() -> nn.Module:
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: nn.Module = timm.create_model("test_resnet", pretrained=False)
    return model.eval()


@pytest.fixture
def preprocessing() -> Preprocessing:
    return PREPROCESSING
