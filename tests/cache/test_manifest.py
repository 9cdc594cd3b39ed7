import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.manifest import MANIFEST, Manifest, Part
from featrank.records import Skipped
from featrank.storage.contained import ClaimError
from featrank.storage.kept_json import SEAL, write_kept

PARTS = (
    Part("part-000000000.aaaaaaaaaaaaaaaa.parquet", 3, 100, "a" * 64, 4),
    Part("part-000000003.bbbbbbbbbbbbbbbb.parquet", 4, 110, "b" * 64, 4),
)


def manifest(key: FeatureKey) -> Manifest:
    return Manifest(
        key.document, "m", "t", None, 1, 2, ("c", "d"), {"c": 7}, (Skipped("p", "r"),), PARTS
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
    with pytest.raises(ClaimError):
        Manifest.read(tmp_path)


def test_other_schema_is_not_read(key: FeatureKey, tmp_path: Path) -> None:
    manifest(key).write(tmp_path)
    document = json.loads((tmp_path / MANIFEST).read_text()) | {"schema_version": 2}
    del document[SEAL]
    write_kept(tmp_path / MANIFEST, document)
    assert Manifest.read(tmp_path) is None


def test_digest_follows_the_parts(key: FeatureKey) -> None:
    first = manifest(key)
    changed = replace(first, parts=(PARTS[0], replace(PARTS[1], sha256="c" * 64)))
    assert changed.features_digest != first.features_digest


def test_one_of_an_older_release_has_no_checksum(key: FeatureKey, tmp_path: Path) -> None:
    manifest(key).write(tmp_path)
    document = json.loads((tmp_path / MANIFEST).read_text())
    del document[SEAL]
    (tmp_path / MANIFEST).write_text(json.dumps(document))
    old = Manifest.read(tmp_path)
    assert old == manifest(key)
    assert old is not None
    assert not old.sealed


def part(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["parts"][0].__setitem__(name, value)


def top(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.__setitem__(name, value)


CLAIMS = {
    "absolute": part("file", "/etc/passwd"),
    "upwards": part("file", "../part-000000000.aaaaaaaaaaaaaaaa.parquet"),
    "no name": part("file", 5),
    "offset": part("values_at", -1),
    "far offset": part("values_at", 10**15),
    "half offset": part("values_at", 1.5),
    "rows": part("rows", -1),
    "many rows": part("rows", 10**12),
    "other checksum": part("sha256", "x"),
    "no parts": top("parts", []),
    "twice": lambda document: document["parts"].append(document["parts"][0]),
    "dropped": lambda document: document["parts"].pop(),
    "width": top("n_features", 0),
    "wide": top("n_features", 10**9),
    "params": top("n_params", "x"),
    "counts": top("class_counts", {"c": 99}),
    "a class more": top("class_counts", {"c": 6, "x": 1}),
    "names": top("class_names", [1, 2]),
    "equal names": top("class_names", ["c", "c"]),
    "skipped": top("skipped", [{"path": 5}]),
    "key": top("key", 5),
    "extraction": top("extraction", 5),
    "speed": top("extraction", {"images_per_second": "x"}),
    "tensors": top("extraction", {"loading": {"missing": 1}}),
    "tensors' names": top("extraction", {"loading": {"missing": [1]}}),
    "versions": top("extraction", {"versions": {"timm": 5}}),
    "device": top("extraction", {"device": 5}),
}


@pytest.mark.parametrize("change", CLAIMS.values(), ids=CLAIMS)
def test_claims_that_cannot_be_are_refused_under_a_right_checksum(
    key: FeatureKey, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    manifest(key).write(tmp_path)
    document = json.loads((tmp_path / MANIFEST).read_text())
    change(document)
    del document[SEAL]
    write_kept(tmp_path / MANIFEST, document)
    with pytest.raises(ClaimError):
        Manifest.read(tmp_path)
