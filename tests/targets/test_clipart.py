"""The embedded drawings."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from featrank.config import Selection
from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Target, clipart, open_target

CLASSES = ("animals", "buildings", "food", "people", "tools", "transportation")


def opened(**selection: object) -> Target:
    return open_target("clipart", Selection(**selection), FileHashes())


def test_what_there_is() -> None:
    target = opened()
    assert (target.name, target.split, target.skipped) == ("clipart", None, ())
    assert target.class_counts == dict.fromkeys(CLASSES, 40)
    assert len({sample.path for sample in target.samples}) == 240
    assert len({sample.digest for sample in target.samples}) == 240


def test_digests_are_those_of_the_images() -> None:
    for row in pq.ParquetFile(clipart._DATA).read().to_pylist():
        assert hashlib.sha256(row["image"]).hexdigest() == row["sha256"]
        assert row["path"].startswith(row["class_name"] + "/")


def test_images() -> None:
    target = opened(limit_per_class=3)
    read = pickle.loads(pickle.dumps(target.read))
    for sample in target.samples:
        image = read(sample)
        assert (image.mode, image.size) == ("RGB", (160, 160))
        assert np.asarray(image).std() > 5


def test_subset() -> None:
    assert opened(limit_per_class=5).class_counts == dict.fromkeys(CLASSES, 5)
    assert opened(max_images=12).fingerprint != opened(max_images=12, seed=1).fingerprint


def test_no_split() -> None:
    with pytest.raises(InputError, match="no split 'train'"):
        opened(split="train")


def test_size_and_provenance() -> None:
    assert clipart._DATA.stat().st_size < 3_000_000
    assert "Public Domain" in clipart._DATA.with_suffix(".md").read_text()


def test_a_folder_of_that_name_is_reached_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clipart").mkdir()
    with pytest.raises(InputError, match="is a folder here and") as caught:
        opened()
    assert caught.value.hint == "say which: --dataset ./clipart, or --dataset builtin:clipart"
    assert len(open_target("builtin:clipart", Selection(), FileHashes()).samples) == 240
    with pytest.raises(InputError, match=r"'\./clipart' is empty"):
        open_target("./clipart", Selection(), FileHashes())
