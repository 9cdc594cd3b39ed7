from collections.abc import Callable
from pathlib import Path

import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.manifest import Manifest
from featrank.cache.store import FeatureStore, rows_per_part
from featrank.errors import IncompleteError
from featrank.records import LayerRef

Fill = Callable[..., list[Manifest]]


def test_nothing_is_found_in_an_empty_store(store: FeatureStore, key: FeatureKey) -> None:
    assert store.find(key) is None


def test_path_shows_layer_and_key(store: FeatureStore, key: FeatureKey) -> None:
    layered = key.with_layer(LayerRef("../../etc", "avg+std"))
    directory = store.directory(layered)
    assert directory.parent == store.root / "features" / key.entry
    assert directory.name == f"______etc_avg_std.{layered.hash}"


def test_a_cache_that_cannot_be_made_says_so(tmp_path: Path, key: FeatureKey) -> None:
    from featrank.cache.writer import Table
    from featrank.storage.file_hashes import FileHashes

    (tmp_path / "file").touch()
    store = FeatureStore(tmp_path / "file", FileHashes(), print)
    with pytest.raises(IncompleteError, match="cannot"):
        store.begin([key], {}, Table([], [], []), 16)


@pytest.mark.parametrize(
    ("n", "batch", "rows"), [(10, 32, 256), (10, 100, 300), (64_000, 32, 1024), (10**7, 7, 4102)]
)
def test_parts_hold_whole_batches(n: int, batch: int, rows: int) -> None:
    assert rows_per_part(n, batch) == -(-rows // batch) * batch
