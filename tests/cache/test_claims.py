"""A cache that came from somebody else: what it says is proved, and nothing outside is touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.listing import list_entries
from featrank.cache.manifest import MANIFEST, Manifest
from featrank.cache.part_names import list_parts
from featrank.cache.prune import Policy, prune
from featrank.cache.scores import ScoreStore
from featrank.cache.store import FeatureStore
from featrank.errors import IncompleteError
from featrank.records import FloatArray, MetricScore, Score
from featrank.storage.kept_json import SEAL, write_kept

Fill = Callable[..., list[Manifest]]
Change = Callable[[dict[str, Any]], object]


def rewrite(path: Path, change: Change, *, sealed: bool) -> None:
    document = json.loads(path.read_text())
    del document[SEAL]
    change(document)
    if sealed:
        write_kept(path, document)
    else:
        path.write_text(json.dumps(document))


def shift(document: dict[str, Any]) -> None:
    document["parts"][0]["values_at"] -= 4


def swap(document: dict[str, Any]) -> None:
    document["parts"][0], document["parts"][1] = document["parts"][1], document["parts"][0]


def drop(document: dict[str, Any]) -> None:
    gone = document["parts"].pop()
    counts = document["class_counts"]
    for name in counts:
        counts[name] -= gone["rows"] // 2


LIES: dict[str, Change] = {
    "offset": shift,
    "order": swap,
    "dropped": drop,
    "params": lambda document: document.update(n_params=7),
    "skipped": lambda document: document.update(skipped=[{"path": "a", "reason": "b"}]),
    "counts": lambda document: document["class_counts"].update(cat=26, dog=24),
    "names": lambda document: document.update(class_names=["dog", "cat"]),
    "model": lambda document: document.update(model="timm:other"),
}


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_a_manifest_says_is_proved_against_its_parts(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, values: FloatArray,
    warnings: list[str], lie: Change, sealed: bool,
) -> None:  # fmt: skip
    (whole,) = fill_layers([key])
    rewrite(store.directory(key) / MANIFEST, lie, sealed=sealed)
    assert store.find(key) is None
    assert MANIFEST in warnings[0]
    layer = store.recover(key)
    assert layer is not None
    assert (layer.manifest.parts, layer.manifest.n_params) == (whole.parts, whole.n_params)
    np.testing.assert_array_equal(store.read(layer).features, values)


def test_a_manifest_of_an_older_release_is_proved_once_and_sealed(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, warnings: list[str]
) -> None:
    (whole,) = fill_layers([key], skip=(3,))
    path = store.directory(key) / MANIFEST
    rewrite(path, lambda _: None, sealed=False)
    layer = store.find(key)
    assert layer is not None
    assert layer.manifest == whole
    assert SEAL in json.loads(path.read_text())
    assert not warnings


@pytest.mark.parametrize("file", ["/{victim}/file", "../../../../victim/file"])
def test_a_part_elsewhere_is_neither_moved_nor_read(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, file: str, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in ("file", MANIFEST):
        (victim / name).write_text("precious")
    fill_layers([key])
    named = file.format(victim=str(victim).lstrip("/"))
    rewrite(
        store.directory(key) / MANIFEST,
        lambda document: document["parts"][0].update(file=named, bytes=8),
        sealed=True,
    )
    assert store.find(key) is None
    assert store.recover(key) is not None
    assert sorted(path.read_text() for path in victim.iterdir()) == ["precious"] * 2


@pytest.mark.parametrize("which", ["entry", "layer", "manifest", "part", "_used", "_verified"])
def test_links_in_the_cache_are_not_followed(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, tmp_path: Path, which: str
) -> None:
    fill_layers([key])
    layer = store.find(key)
    assert layer is not None
    directory = store.directory(key)
    path = {
        "entry": directory.parent,
        "layer": directory,
        "manifest": directory / MANIFEST,
        "part": list_parts(directory)[0],
    }.get(which, directory / which)
    victim = tmp_path / "victim"
    path.rename(victim)
    before = {found: found.stat().st_mtime_ns for found in [victim, *victim.rglob("*")]}
    path.symlink_to(victim)
    found = store.find(key)
    assert (found is not None) == which.startswith("_")
    if found is None:
        store.recover(key)
        fill_layers([key])
        assert store.find(key) is not None
    list_entries(store)
    prune(store, Policy(older_than=-1.0), dry_run=False)
    assert {found: found.stat().st_mtime_ns for found in [victim, *victim.rglob("*")]} == before


def test_features_behind_a_link_are_refused(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, tmp_path: Path
) -> None:
    fill_layers([key])
    (store.root / "features").rename(tmp_path / "victim")
    (store.root / "features").symlink_to(tmp_path / "victim")
    for look in (lambda: store.find(key), lambda: list_entries(store)):
        with pytest.raises(IncompleteError, match="link"):
            look()


@pytest.mark.parametrize("which", ["manifest", "part"])
def test_pipes_are_no_files_and_nothing_waits_for_them(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, which: str
) -> None:
    (whole,) = fill_layers([key])
    directory = store.directory(key)
    path = directory / MANIFEST if which == "manifest" else list_parts(directory)[0]
    path.unlink()
    os.mkfifo(path)
    assert store.verify(directory)
    assert store.find(key) is None
    fill_layers([key])
    layer = store.find(key)
    assert layer is not None
    assert layer.manifest.parts == whole.parts


def test_a_kept_score_that_was_changed_is_set_aside(tmp_path: Path) -> None:
    score = MetricScore("gda", 1, {}, True, Score(0.4))
    kept = ScoreStore(tmp_path, "digest")
    kept.put(score)
    (path,) = (tmp_path / "_scores").iterdir()
    path.write_text(path.read_text().replace("0.4", "1.4"))
    assert kept.get("gda", 1, {}) is None
    assert not path.exists()
    kept.put(score)
    assert kept.get("gda", 1, {}) == score


def test_a_folder_that_cannot_be_read_is_said(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fill_layers([key])
    scandir = os.scandir

    def refuse(path: str | Path) -> Any:
        if Path(path).name == key.entry:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert list_entries(store) == []
    assert "Permission denied" in warnings[0]
