from __future__ import annotations

from pathlib import Path

import numpy as np
from stored_layers import digits, pixels, store_layer

from featrank.cache.store import FeatureStore
from featrank.cache.stored_features import StoredFeatures
from featrank.layers.names import HEAD_LAYER
from featrank.metrics import METRICS
from featrank.scoring.layer_scores import layer_scores
from featrank.storage.file_hashes import FileHashes


def test_a_classifiers_scores_are_kept_beside_its_probabilities(tmp_path: Path) -> None:
    """They hold for every layer of the model, and are computed once."""
    target = digits()
    probs = np.random.default_rng(0).dirichlet(np.ones(5), size=len(target.labels))
    store = FeatureStore(tmp_path, FileHashes(), print)
    layer = store_layer(store, target, pixels(target))
    head = store_layer(store, target, probs.astype(np.float32), layer=HEAD_LAYER)
    store.lease.close()
    metrics = METRICS.select(["leep", "cdnv"])
    scores = layer_scores(StoredFeatures(store, layer, head), metrics)
    assert list(scores) == ["leep", "cdnv"]
    assert [path.name.partition(".")[0] for path in layer.directory.glob("_scores/*")] == ["cdnv"]
    assert [path.name.partition(".")[0] for path in head.directory.glob("_scores/*")] == ["leep"]
    alone = layer_scores(StoredFeatures(store, layer), metrics)
    assert alone["cdnv"] == scores["cdnv"]
    assert alone["leep"].score is None
