from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from featrank.cache.export import export_layer
from featrank.cache.key import FeatureKey
from featrank.cache.manifest import Manifest
from featrank.cache.store import FeatureStore
from featrank.errors import InputError
from featrank.records import FloatArray
from featrank.scoring.features_file import open_features_file

Fill = Callable[..., list[Manifest]]


@pytest.mark.parametrize("name", ["f.npz", "f.parquet"])
def test_what_is_exported_is_read_back(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, values: FloatArray, tmp_path: Path,
    name: str,
) -> None:  # fmt: skip
    fill_layers([key])
    layer = store.find(key)
    assert layer is not None
    export_layer(store, layer, tmp_path / name)
    given = open_features_file(tmp_path / name).load()
    np.testing.assert_array_equal(given.features, values)
    assert given.class_names == ("cat", "dog")
    assert given.labels.tolist() == [0, 1] * 25


def test_other_suffixes_are_refused(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, tmp_path: Path
) -> None:
    fill_layers([key])
    layer = store.find(key)
    assert layer is not None
    with pytest.raises(InputError, match="cannot export"):
        export_layer(store, layer, tmp_path / "f.mat")
    assert not (tmp_path / "f.mat").exists()
