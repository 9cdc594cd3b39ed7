from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from featrank.zoos._torchvision_index import TorchvisionIndex


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("index")
    assert TorchvisionIndex(directory).entries
    return directory


def test_it_is_torchvisions_own(directory: Path) -> None:
    from torchvision import models

    index = TorchvisionIndex(directory)
    for builder in models.list_models(module=models):
        theirs = models.get_model_weights(builder)
        ours = index.of(builder)
        assert {entry.weights for entry in ours} == {weights.name for weights in theirs}
        assert not ours or ours[0].weights == theirs.DEFAULT.name
    entry = index.entries["resnet50.IMAGENET1K_V2"]
    assert (entry.top1, entry.n_params, entry.macs) == (80.858, 25_557_032, 4_089_000_000)
    assert index.entries["vgg16.IMAGENET1K_FEATURES"].top1 is None


def test_preprocessing_is_torchvisions_own(directory: Path) -> None:
    import torch
    from PIL import Image
    from timm.data import create_transform
    from torchvision import models

    noise = np.random.default_rng(0).integers(0, 256, (301, 457, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    seen = set()
    for entry in TorchvisionIndex(directory).entries.values():
        if entry.preprocessing in seen:
            continue
        seen.add(entry.preprocessing)
        theirs = models.get_model_weights(entry.builder)[entry.weights].transforms()(image)
        ours = create_transform(**entry.preprocessing.to_config(), is_training=False)(image)
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
    assert len(seen) > 10


def test_a_stored_index_is_read_and_a_damaged_one_made_anew(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stored,) = directory.glob("torchvision-*.json")
    content = stored.read_text()
    stored.write_text("{")
    assert TorchvisionIndex(directory).entries
    assert json.loads(stored.read_text()) == json.loads(content)
    monkeypatch.setattr("featrank.zoos._torchvision_index._build", lambda: pytest.fail("built"))
    assert "resnet50" in TorchvisionIndex(directory).builders
