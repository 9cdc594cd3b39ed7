from __future__ import annotations

from pathlib import Path

import numpy as np
from stored_layers import digits, pixels, store_layer

from featrank.cache.store import FeatureStore
from featrank.cache.stored_features import StoredFeatures
from featrank.metrics import METRICS
from featrank.scoring.layer_scores import layer_scores
from featrank.storage.file_hashes import FileHashes


def test_scores_are_kept_beside_the_numbers_that_they_were_computed_from(tmp_path: Path) -> None:
    target = digits()
    store = FeatureStore(tmp_path, FileHashes(), print)
    stored = StoredFeatures(store, store_layer(store, target, pixels(target)))
    store.lease.close()
    assert stored.source_probs is None
    assert stored.groups is None
    assert (stored.load().features == pixels(target)).all()
    assert np.concatenate([labels for _, labels in stored.blocks()]).tolist() == list(target.labels)
    (metric,) = METRICS.select(["tmi"])
    assert stored.kept.get("tmi", metric.version, metric.params) is None
    scores = layer_scores(stored, [metric])
    assert stored.kept.get("tmi", metric.version, metric.params) == scores["tmi"]
