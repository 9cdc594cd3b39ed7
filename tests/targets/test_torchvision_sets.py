"""What torchvision finds on the disk; nothing is downloaded."""

from __future__ import annotations

import hashlib
import json
import pickle
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_sets import digit_pictures, write_idx
from PIL import Image

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target, idx
from featrank.targets.torchvision_sets import TARGET


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def opened(spec: str, **access: object) -> Target:
    return TARGET.open(f"torchvision:{spec}", Access(FileHashes(), **access))


def test_mnists_files_equal_idx(tmp_path: Path) -> None:
    raw = write_idx(tmp_path / "MNIST" / "raw", digit_pictures(30), zipped=False)
    write_idx(raw, digit_pictures(12), "t10k", zipped=False)
    target = opened(f"MNIST?root={tmp_path}")
    assert target.class_names[:2] == ("0 - zero", "1 - one")
    assert (target.split, len(target.samples)) == ("train", 30)
    assert len(opened(f"MNIST?root={tmp_path}", split="test").samples) == 12
    assert len(opened(f"MNIST?root={tmp_path}&train=false").samples) == 12
    ours = idx.TARGET.open(str(raw), Access(FileHashes()))
    assert {s.digest for s in ours.samples} == {s.digest for s in target.samples}
    read = pickle.loads(pickle.dumps(target.read))
    for sample in target.samples:
        same = next(s for s in ours.samples if s.digest == sample.digest)
        assert np.array_equal(read(sample), ours.read(same))


def test_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pickles are opened only after their checksums are found right."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (10, 3072), dtype=np.uint8)
    names = ["airplane", "bird"]

    def store(name: str, content: Any) -> list[str]:
        (folder / name).write_bytes(pickle.dumps(content))
        return [name, hashlib.md5((folder / name).read_bytes()).hexdigest()]

    batch = store("data_batch_1", {"data": pixels, "labels": [0, 1] * 5})
    meta = store("batches.meta", {"label_names": names})
    with pytest.raises(InputError, match=r"cannot open CIFAR10.*not found or corrupted"):
        opened(f"CIFAR10?root={tmp_path}")
    monkeypatch.setattr(CIFAR10, "train_list", [batch])
    monkeypatch.setattr(CIFAR10, "test_list", [])
    described = {"filename": meta[0], "key": "label_names", "md5": meta[1]}
    monkeypatch.setattr(CIFAR10, "meta", described)
    target = opened(f"CIFAR10?root={tmp_path}")
    assert dict(target.class_counts) == {"airplane": 5, "bird": 5}
    for sample in target.samples:
        index = int(sample.path.removeprefix("image-"))
        expected = pixels[index].reshape(3, 32, 32).transpose(1, 2, 0)
        assert np.array_equal(target.read(sample), expected)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("CIFAR1O?root=x", "no torchvision data set"),
        ("LSUN?root=x", "no torchvision data set"),
        ("CIFAR10", "says not where"),
        ("CIFAR10?root=x&download=1", "no argument 'download'"),
        ("CIFAR10?root=x&colour=1", "no argument 'colour'"),
        ("CIFAR10?root=/nowhere", "cannot open CIFAR10"),
        ("Food101?root=/nowhere", "cannot open Food101"),
    ],
)
def test_asked_wrongly(spec: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        opened(spec)


def test_a_list_that_leads_out_of_the_root_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    food = tmp_path / "root" / "food-101"
    (food / "meta").mkdir(parents=True)
    names = {"a": ["a/0", "a/1", "../../../victim/0"], "b": ["b/0", "b/1"]}
    for name in ["a/0", "a/1", "b/0", "b/1", "../../../victim/0"]:
        path = food / "images" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(path)
    (food / "meta" / "train.json").write_text(json.dumps(names))
    for name in ("classes.txt", "labels.txt"):
        (food / "meta" / name).write_text("a\nb\n")
    with pytest.raises(InputError, match="outside"):
        opened(f"Food101?root={tmp_path / 'root'}")
