"""Layers in a cache without a network: pixels of real images, written as an extraction does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from featrank.cache.key import FeatureKey
from featrank.cache.store import FeatureStore, Layer
from featrank.cache.writer import Table
from featrank.config import Selection
from featrank.records import FloatArray, LayerRef, Preprocessing, Skipped
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Target, open_target

PREPROCESSING = Preprocessing((3, 8, 8), 1.0, "squash", "nearest", (0.5,) * 3, (0.5,) * 3)


def digits(per_class: int = 6, *classes: str) -> Target:
    """So many handwritten digits of each class."""
    selection = Selection(limit_per_class=per_class, classes=classes)
    return open_target("digits", selection, FileHashes())


def pixels(target: Target) -> FloatArray:
    """The images as rows of 64 grey values from 0 to 1."""
    grey = [np.asarray(target.read(sample).convert("L")).ravel() for sample in target.samples]
    return (np.stack(grey) / 255).astype(np.float32)


def store_layer(
    store: FeatureStore,
    target: Target,
    values: FloatArray,
    *,
    model: str = "timm:flat",
    layer: LayerRef | None = None,
    rows_per_part: int = 16,
    skip: Sequence[int] = (),
    **extraction: Any,
) -> Layer:
    """Write values ``(n_samples, n_features)`` as a layer of a model; some images have none."""
    key = FeatureKey(
        target.fingerprint, model.partition(":")[2], "a" * 64, PREPROCESSING, "float32", 1,
        layer or LayerRef(),
    )  # fmt: skip
    facts = {
        "model": model, "target": target.name, "split": target.split,
        "class_names": list(target.class_names), "n_params": 12,
    }  # fmt: skip
    paths = [sample.path for sample in target.samples]
    table = Table([sample.digest for sample in target.samples], paths, target.labels)
    writer = store.begin([key], facts, table, rows_per_part, afresh=True)
    for start, stop in writer.spans:
        good = [row for row in range(start, stop) if row not in skip]
        torn = [Skipped(paths[row], "torn") for row in range(start, stop) if row in skip]
        writer.add((start, stop), good, {key.layer: values[good]}, torn, last=True)
    writer.finish(extraction)
    found = store.find(key)
    assert found is not None
    return found
