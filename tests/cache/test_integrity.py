import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from featrank.cache.integrity import check_layer
from featrank.cache.key import FeatureKey
from featrank.cache.manifest import MANIFEST, Manifest
from featrank.cache.part_names import list_parts
from featrank.cache.store import FeatureStore
from featrank.records import FloatArray
from featrank.storage.file_hashes import FileHashes

Fill = Callable[..., list[Manifest]]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x10
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize(
    ("damage", "said"),
    [(flip, "checksum differs"), (truncate, "bytes where"), (Path.unlink, "missing")],
)
def test_every_damage_is_named_set_aside_and_mended_alone(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, values: FloatArray,
    warnings: list[str], which: int, damage: Callable[[Path], None], said: str,
) -> None:  # fmt: skip
    (whole,) = fill_layers([key])
    path = list_parts(store.directory(key))[which]
    damage(path)
    (found,) = store.verify(store.directory(key))
    assert found.path == path
    assert said in found.reason
    assert store.find(key) is None
    assert path.name in warnings[0]
    assert said in warnings[0]
    assert not path.exists()
    assert store.recover(key) is None
    assert fill_layers([key]) == [whole]
    layer = store.find(key)
    assert layer is not None
    np.testing.assert_array_equal(store.read(layer).features, values)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff"])
def test_an_emptied_manifest_is_named_and_made_again_from_the_parts(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, warnings: list[str], content: bytes
) -> None:
    (whole,) = fill_layers([key], skip=(3,))
    (store.directory(key) / MANIFEST).write_bytes(content)
    (found,) = store.verify(store.directory(key))
    assert found.path.name == MANIFEST
    assert store.find(key) is None
    assert MANIFEST in warnings[0]
    recovered = store.recover(key)
    assert recovered is not None
    assert recovered.manifest.parts == whole.parts
    assert recovered.manifest.skipped == whole.skipped
    assert store.find(key) is not None


def test_recovery_needs_every_row(fill_layers: Fill, store: FeatureStore, key: FeatureKey) -> None:
    assert store.recover(key) is None
    fill_layers([key], parts=3)
    assert store.recover(key) is None


def test_a_damaged_part_without_manifest_is_seen_too(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey
) -> None:
    fill_layers([key], parts=2)
    assert store.verify(store.directory(key)) == []
    flip(list_parts(store.directory(key))[0])
    (found,) = store.verify(store.directory(key))
    assert found.reason == "checksum differs"


def test_checksums_are_computed_again_once_a_day(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (manifest,) = fill_layers([key])
    directory = store.directory(key)
    hashes = FileHashes(tmp_path / "hashes.sqlite")
    time.sleep(0.15)
    assert check_layer(directory, manifest, hashes) == []
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return hash_file(path)

    from featrank.storage.file_hashes import hash_file

    monkeypatch.setattr("featrank.cache.integrity.hash_file", counted)
    monkeypatch.setattr("featrank.storage.file_hashes.hash_file", counted)
    assert check_layer(directory, manifest, hashes) == []
    assert read == []
    yesterday = time.time() - 25 * 3600
    for name in (MANIFEST, "_verified"):
        os.utime(directory / name, (yesterday, yesterday))
    assert check_layer(directory, manifest, hashes) == []
    assert len(read) == 4
    assert check_layer(directory, manifest, hashes) == []
    assert len(read) == 4


def test_a_cache_that_cannot_be_written_still_reports(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from featrank.errors import IncompleteError

    fill_layers([key])
    flip(list_parts(store.directory(key))[0])

    def refuse(self: Path, target: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(IncompleteError, match="cannot write the cache"):
        store.find(key)
    assert not [said for said in warnings if "set aside" in said]
    assert any(said.startswith("damaged cache file: ") for said in warnings)
