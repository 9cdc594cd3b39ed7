import dataclasses
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.listing import Entry, list_entries
from featrank.cache.manifest import MANIFEST, Manifest
from featrank.cache.prune import Policy, choose, prune
from featrank.cache.store import FeatureStore
from featrank.storage.file_hashes import FileHashes

Fill = Callable[..., list[Manifest]]
DAY = 86400.0


def entry(name: str, size: int, days: float) -> Entry:
    return Entry(Path(name), name, name, None, size, -days * DAY)


@pytest.mark.parametrize(
    ("policy", "gone"),
    [
        (Policy(older_than=5 * DAY), ["c", "b"]),
        (Policy(max_size=60), []),
        (Policy(max_size=35), ["c"]),
        (Policy(max_size=0), ["c", "b", "a"]),
        (Policy(older_than=15 * DAY, max_size=0), ["c"]),
        (Policy(model="timm:*"), []),
        (Policy(model="(incomplete)"), ["c", "b", "a"]),
    ],
)
def test_choice(policy: Policy, gone: list[str]) -> None:
    entries = [entry("a", 10, 1), entry("b", 20, 10), entry("c", 30, 20)]
    assert [chosen.key for chosen in choose(entries, policy, 0.0)] == gone


def test_model_patterns_match_with_and_without_zoo(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey
) -> None:
    fill_layers([key])
    for pattern, n in [("resnet50*", 1), ("timm:resnet*", 1), ("vit*", 0)]:
        removed, _ = prune(store, Policy(model=pattern), dry_run=True)
        assert len(removed) == n
    assert store.find(key) is not None


def test_removed_is_gone_and_nothing_else(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, tmp_path: Path
) -> None:
    fill_layers([key])
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / MANIFEST).write_text("{}")
    (store.root / "features" / key.entry / "x.y").symlink_to(outside)
    (store.root / "notes.txt").touch()
    removed, kept = prune(store, Policy(max_size=0), dry_run=False)
    assert ([e.key for e in removed], kept) == ([key.hash], [])
    assert list_entries(store) == []
    assert (outside / MANIFEST).exists()
    assert (store.root / "notes.txt").exists()


def test_old_entries_go(fill_layers: Fill, store: FeatureStore, key: FeatureKey) -> None:
    fill_layers([key])
    assert prune(store, Policy(older_than=DAY), dry_run=False) == ([], [])
    past = time.time() - 2 * DAY
    for path in store.directory(key).iterdir():
        os.utime(path, (past, past))
    removed, _ = prune(store, Policy(older_than=DAY), dry_run=False)
    assert len(removed) == 1


def test_nothing_in_use_is_removed(fill_layers: Fill, store: FeatureStore, key: FeatureKey) -> None:
    fill_layers([key])
    other = FeatureStore(store.root, FileHashes(), print)
    assert other.find(key) is not None
    removed, kept = prune(store, Policy(max_size=0), dry_run=False)
    assert (removed, len(kept)) == ([], 1)
    other.lease.close()
    removed, kept = prune(store, Policy(max_size=0), dry_run=False)
    assert (len(removed), kept) == (1, [])


def test_nothing_being_written_is_removed(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    from featrank.cache.locks import Busy

    fill_layers([key], parts=1)

    def busy(*_: object, **__: object) -> None:
        raise Busy(key.entry)

    # A lock of this very process would be granted again.
    monkeypatch.setattr("featrank.cache.prune.extraction_lock", busy)
    removed, kept = prune(store, Policy(max_size=0), dry_run=False)
    assert (removed, len(kept)) == ([], 1)


def test_folders_nested_without_end_keep_no_other_layer(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey
) -> None:
    other = dataclasses.replace(key, target="f" * 64)
    fill_layers([key])
    fill_layers([other])
    nested = next(e.directory for e in list_entries(store) if e.key == key.hash)
    handle = os.open(nested, os.O_RDONLY)
    for _ in range(3000):  # too long for one path
        os.mkdir("d", dir_fd=handle)
        handle, above = os.open("d", os.O_RDONLY, dir_fd=handle), handle
        os.close(above)
    os.close(handle)
    with pytest.raises(OSError, match="nested too deeply"):
        prune(store, Policy(max_size=0), dry_run=False)
    assert [e.key for e in list_entries(store)] != [other.hash]
    assert other.hash not in {e.key for e in list_entries(store)}
    subprocess.run(["rm", "-rf", str(nested)], check=True)  # pytest's own clean-up recurses
