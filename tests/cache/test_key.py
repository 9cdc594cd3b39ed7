import dataclasses
import json

import pytest

from featrank.cache.key import FeatureKey
from featrank.records import LayerRef

SHARED = {
    "target": "other",
    "architecture": "resnet18",
    "weights": "v" * 64,
    "precision": "bfloat16",
    "extractor": 2,
    "decoding": "integer=0:4095",
}
PREPROCESSING = {
    "input_size": (3, 256, 256),
    "crop_pct": 0.9,
    "crop_mode": "squash",
    "interpolation": "bilinear",
    "mean": (0.4, 0.5, 0.5),
    "std": (0.4, 0.5, 0.5),
}


@pytest.mark.parametrize(("ingredient", "value"), SHARED.items())
def test_each_ingredient_changes_entry_and_hash(
    key: FeatureKey, ingredient: str, value: object
) -> None:
    changed = dataclasses.replace(key, **{ingredient: value})  # type: ignore[arg-type]
    assert changed.hash != key.hash
    assert changed.entry != key.entry


@pytest.mark.parametrize(("ingredient", "value"), PREPROCESSING.items())
def test_each_ingredient_of_preprocessing_changes_both(
    key: FeatureKey, ingredient: str, value: object
) -> None:
    preprocessing = dataclasses.replace(key.preprocessing, **{ingredient: value})  # type: ignore[arg-type]
    changed = dataclasses.replace(key, preprocessing=preprocessing)
    assert changed.hash != key.hash
    assert changed.entry != key.entry


@pytest.mark.parametrize("layer", [LayerRef("blocks.3"), LayerRef(pooling="max")])
def test_layers_of_one_pass_share_the_entry(key: FeatureKey, layer: LayerRef) -> None:
    other = key.with_layer(layer)
    assert other.hash != key.hash
    assert other.entry == key.entry


def test_every_field_is_tested() -> None:
    assert {f.name for f in dataclasses.fields(FeatureKey)} == {*SHARED, "preprocessing", "layer"}


def test_equal_keys_are_equal(key: FeatureKey) -> None:
    assert dataclasses.replace(key).hash == key.hash


def test_a_key_comes_back_from_its_json(key: FeatureKey) -> None:
    again = FeatureKey.from_document(json.loads(json.dumps(key.document)))
    assert again == key
    assert again.hash == key.hash


def test_usual_decoding_is_as_in_older_releases(key: FeatureKey) -> None:
    assert "decoding" not in key.document
    other = dataclasses.replace(key, decoding="integer=0:4095")
    assert FeatureKey.from_document(other.document) == other
