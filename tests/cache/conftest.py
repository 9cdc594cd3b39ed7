"""A small layer to write and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.manifest import Manifest
from featrank.cache.store import FeatureStore
from featrank.cache.writer import Table
from featrank.records import FloatArray, LayerRef, Preprocessing, Skipped
from featrank.storage.file_hashes import FileHashes

N, WIDTH, BATCH = 50, 6, 4
PREPROCESSING = Preprocessing((3, 224, 224), 0.875, "center", "bicubic", (0.5,) * 3, (0.5,) * 3)


@pytest.fixture
def key() -> FeatureKey:
    return FeatureKey("target", "resnet50", "w" * 64, PREPROCESSING, "float32", 1, LayerRef())


@pytest.fixture
def values() -> FloatArray:
    return np.random.default_rng(0).normal(size=(N, WIDTH)).astype(np.float32)


@pytest.fixture
def warnings() -> list[str]:
    """What the store warned of."""
    return []


@pytest.fixture
def store(tmp_path: Path, warnings: list[str]) -> Iterator[FeatureStore]:
    store = FeatureStore(tmp_path / "cache", FileHashes(), warnings.append)
    yield store
    store.lease.close()


FACTS = {
    "model": "timm:resnet50.a1_in1k",
    "target": "pets",
    "split": None,
    "class_names": ["cat", "dog"],
    "n_params": 25,
}
TABLE = Table([f"{i:064x}" for i in range(N)], [f"p/{i}.jpg" for i in range(N)], [0, 1] * (N // 2))

Fill = Callable[..., list[Manifest]]


@pytest.fixture
def fill_layers(store: FeatureStore, values: FloatArray) -> Fill:
    """Write layers as an extraction would, optionally dying after some parts."""

    def fill(
        keys: list[FeatureKey],
        *,
        rows: int = 16,
        skip: tuple[int, ...] = (),
        parts: int | None = None,
    ) -> list[Manifest]:
        writer = store.begin(keys, FACTS, TABLE, rows)
        for start, stop in writer.spans[:parts]:
            for first in range(start, stop, BATCH):
                batch = range(first, min(first + BATCH, stop))
                good = [row for row in batch if row not in skip]
                writer.add(
                    (start, stop),
                    good,
                    {key.layer: values[good] for key in keys},
                    [Skipped(TABLE.paths[row], "broken") for row in batch if row in skip],
                    last=batch[-1] == stop - 1,
                )
        return [] if parts is not None else writer.finish({"images_per_second": 9.0})

    return fill


@pytest.fixture
def begin() -> tuple[dict[str, object], Table, int]:
    """What ``FeatureStore.begin`` takes beside the keys."""
    return FACTS, TABLE, 16
