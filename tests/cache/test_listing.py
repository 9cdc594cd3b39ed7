import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.listing import describe, find_entry, list_entries, total_bytes
from featrank.cache.manifest import MANIFEST, Manifest
from featrank.cache.store import FeatureStore
from featrank.errors import InputError
from featrank.records import LayerRef

Fill = Callable[..., list[Manifest]]


def test_lists_complete_and_incomplete_layers(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey
) -> None:
    assert list_entries(store) == []
    fill_layers([key])
    fill_layers([key.with_layer(LayerRef("blocks.1"))], parts=1)
    complete, incomplete = sorted(list_entries(store), key=lambda entry: entry.layer is None)
    assert (complete.key, complete.model) == (key.hash, "timm:resnet50.a1_in1k")
    assert complete.target == "pets"
    assert (incomplete.model, incomplete.target) == ("(incomplete)", "")
    size = sum(p.stat().st_size for p in store.root.rglob("*.parquet"))
    assert total_bytes([complete, incomplete]) == size
    assert json.loads(json.dumps(describe(complete)))["key"] == key.document
    assert describe(incomplete)["complete"] is False


def test_use_is_remembered(fill_layers: Fill, store: FeatureStore, key: FeatureKey) -> None:
    fill_layers([key])
    before = list_entries(store)[0].last_use
    time.sleep(0.05)
    store.find(key)
    assert list_entries(store)[0].last_use > before


def test_a_key_may_be_shortened_but_must_name_one(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey
) -> None:
    fill_layers([key])
    assert find_entry(store, key.hash[:5]).key == key.hash
    with pytest.raises(InputError, match="no cache entry"):
        find_entry(store, "zzz")
    with pytest.raises(InputError, match="no cache entry"):
        find_entry(store, "")
    twin = store.directory(key).parent / f"other.{key.hash[:15]}x"
    twin.mkdir()
    with pytest.raises(InputError, match="names 2 entries"):
        find_entry(store, key.hash[:5])


def test_a_thousand_entries_are_listed_in_seconds(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey
) -> None:
    fill_layers([key])
    text = (store.directory(key) / MANIFEST).read_text()
    for i in range(1000):
        directory = store.root / "features" / f"{i:016x}" / f"pre_logits_auto.{i:016x}"
        directory.mkdir(parents=True)
        (directory / MANIFEST).write_text(text)
    started = time.process_time()
    assert len(list_entries(store)) == 1001
    assert time.process_time() - started < 30  # of this process alone; one second is usual


def test_links_are_not_followed(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, tmp_path: Path
) -> None:
    fill_layers([key])
    (store.root / "features" / "link").mkdir()
    (store.root / "features" / "link" / "layer.abc").symlink_to(store.directory(key))
    assert len(list_entries(store)) == 1
