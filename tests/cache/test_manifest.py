from pathlib import Path

import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.manifest import MANIFEST, Manifest, Part
from featrank.errors import IncompleteError
from featrank.records import Skipped


def manifest(key: FeatureKey) -> Manifest:
    parts = (Part("a", 3, 10, "x", 4), Part("b", 4, 11, "y", 4))
    return Manifest(
        key.document, "m", "t", None, 1, 2, ("c", "d"), {"c": 7}, (Skipped("p", "r"),), parts
    )


def test_it_comes_back_as_written(key: FeatureKey, tmp_path: Path) -> None:
    manifest(key).write(tmp_path)
    assert Manifest.read(tmp_path) == manifest(key)
    assert manifest(key).n_rows == 7


def test_none_where_the_layer_is_not_complete(tmp_path: Path) -> None:
    assert Manifest.read(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema_version": 1}'])
def test_damaged_manifest_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(IncompleteError, match="not a manifest"):
        Manifest.read(tmp_path)


def test_other_schema_is_not_read(key: FeatureKey, tmp_path: Path) -> None:
    manifest(key).write(tmp_path)
    path = tmp_path / MANIFEST
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    assert Manifest.read(tmp_path) is None


def test_digest_follows_the_parts(key: FeatureKey, tmp_path: Path) -> None:
    first = manifest(key)
    manifest(key).write(tmp_path)
    text = (tmp_path / MANIFEST).read_text().replace('"y"', '"z"')
    (tmp_path / MANIFEST).write_text(text)
    changed = Manifest.read(tmp_path)
    assert changed is not None
    assert changed.features_digest != first.features_digest
