"""A stored layer, a given file and plain arrays are the same to whoever scores them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stored_layers import digits, pixels, store_layer

from featrank.cache.store import FeatureStore
from featrank.cache.stored_features import StoredFeatures
from featrank.labelled.feature_source import ArraySource, FeatureSource
from featrank.layers.names import HEAD_LAYER
from featrank.metrics import METRICS
from featrank.records import Features
from featrank.scoring.features_file import open_features_file
from featrank.scoring.score import score_features
from featrank.storage.file_hashes import FileHashes

TARGET = digits()
PIXELS, LABELS = pixels(TARGET), np.array(TARGET.labels)
PROBS = np.random.default_rng(0).dirichlet(np.ones(5), size=len(LABELS)).astype(np.float32)
NAMES = tuple(TARGET.class_names)


def stored(folder: Path) -> FeatureSource:
    store = FeatureStore(folder, FileHashes(), print)
    layer = store_layer(store, TARGET, PIXELS)
    head = store_layer(store, TARGET, PROBS, layer=HEAD_LAYER)
    store.lease.close()
    return StoredFeatures(store, layer, head)


def npz(folder: Path) -> FeatureSource:
    np.savez(folder / "f.npz", features=PIXELS, labels=LABELS, source_probs=PROBS)
    return open_features_file(folder / "f.npz")


def parquet(folder: Path) -> FeatureSource:
    columns = {"features": list(PIXELS), "labels": LABELS, "source_probs": list(PROBS)}
    pq.write_table(pa.table(columns), folder / "f.parquet")
    return open_features_file(folder / "f.parquet")


def arrays(folder: Path) -> FeatureSource:
    return ArraySource(Features(PIXELS, LABELS, NAMES, PROBS))


@pytest.mark.parametrize("source", [stored, npz, parquet, arrays])
def test_all_sources_of_the_same_numbers_score_the_same(source: object, tmp_path: Path) -> None:
    metrics = METRICS.select(["tmi", "cdnv", "leep"])
    given: FeatureSource = source(tmp_path)  # type: ignore[operator]
    assert given.class_names == NAMES
    assert given.groups is None
    loaded = given.load()
    assert (loaded.features == PIXELS).all()
    assert (loaded.labels == LABELS).all()
    if given.blocks is not None:
        assert (np.concatenate([rows for rows, _ in given.blocks()]) == PIXELS).all()
    assert given.source_probs is not None
    assert (given.source_probs.load().features == PROBS).all()
    found = [one.score.value for one in score_features(given, metrics) if one.score is not None]
    expected = [metric(PROBS if metric.name == "leep" else PIXELS, LABELS) for metric in metrics]
    assert found == pytest.approx(expected, rel=1e-9)


def test_what_lacks_probabilities_has_none() -> None:
    assert ArraySource(Features(PIXELS, LABELS, NAMES)).source_probs is None
