import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.manifest import MANIFEST, Manifest, Part
from featrank.cache.part_names import list_parts
from featrank.cache.parts import PartFile, open_part
from featrank.cache.store import FeatureStore
from featrank.cache.writer import cut, explained_write, manifest_of, uncovered
from featrank.errors import IncompleteError
from featrank.records import FloatArray, LayerRef
from featrank.storage.contained import ClaimError
from featrank.storage.file_hashes import FileHashes

Fill = Callable[..., list[Manifest]]
Begin = tuple[Any, ...]


def part(start: int, stop: int) -> PartFile:
    return PartFile(Part("f", stop - start, 1, "s", 4), start, stop, (), {})


@pytest.mark.parametrize(
    ("parts", "gaps"),
    [
        ([], [(0, 10)]),
        ([part(0, 10)], []),
        ([part(0, 4)], [(4, 10)]),
        ([part(2, 4), part(6, 8)], [(0, 2), (4, 6), (8, 10)]),
    ],
)
def test_uncovered(parts: list[PartFile], gaps: list[tuple[int, int]]) -> None:
    assert uncovered(10, parts) == gaps


@pytest.mark.parametrize(
    ("devices", "said"),
    [
        ([None, None], {"device": "given"}),
        (["cpu", "cpu"], {"device": "cpu"}),
        (["X1", "cpu", "X1"], {"device": "X1, cpu"}),
        ([None, "cpu"], {"device": "an unknown device, cpu"}),
    ],
)
def test_the_parts_say_what_made_them(
    store: FeatureStore,
    fill_layers: Fill,
    key: FeatureKey,
    devices: list[str | None],
    said: dict[str, str],
) -> None:
    fill_layers([key])
    directory = store.directory(key)
    parts = [open_part(path, FileHashes().get(path)) for path in list_parts(directory)]
    for one, device in zip(parts, devices, strict=False):
        if device is not None:
            one.facts["device"] = device
    manifest = manifest_of(directory, parts[: len(devices)], {"device": "given"})
    assert manifest.extraction == said


def test_a_device_that_is_no_name_is_no_claim_of_ours(
    store: FeatureStore, fill_layers: Fill, key: FeatureKey
) -> None:
    fill_layers([key])
    directory = store.directory(key)
    parts = [open_part(path, FileHashes().get(path)) for path in list_parts(directory)]
    for odd in (7, ["cpu"]):
        parts[0].facts["device"] = odd
        with pytest.raises(ClaimError):
            manifest_of(directory, parts, {})


def test_spans_cover_the_gaps_once_and_stop_at_every_edge() -> None:
    spans = cut([(0, 10), (3, 5), (20, 24)], 4)
    assert spans == [(0, 3), (3, 5), (5, 9), (9, 10), (20, 24)]


def test_written_features_come_back(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, values: FloatArray
) -> None:
    (manifest,) = fill_layers([key])
    assert [p.rows for p in manifest.parts] == [16, 16, 16, 2]
    layer = store.find(key)
    assert layer is not None
    assert layer.manifest == manifest
    read = store.read(layer)
    np.testing.assert_array_equal(read.features, values)
    assert read.class_names == ("cat", "dog")


def test_skipped_images_have_no_row_but_a_reason(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey, values: FloatArray
) -> None:
    skip = (0, 17, *range(32, 48))
    (manifest,) = fill_layers([key], skip=skip)
    assert manifest.n_rows == 50 - len(skip)
    assert sum(manifest.class_counts.values()) == manifest.n_rows
    assert [s.path for s in manifest.skipped] == [f"p/{row}.jpg" for row in skip]
    layer = store.find(key)
    assert layer is not None
    kept = [row for row in range(50) if row not in skip]
    np.testing.assert_array_equal(store.read(layer).features, values[kept])


def test_resumes_after_the_last_whole_part(
    fill_layers: Fill, store: FeatureStore, begin: Begin, key: FeatureKey, values: FloatArray
) -> None:
    fill_layers([key], parts=2)
    assert store.find(key) is None
    writer = store.begin([key], *begin)
    assert writer.spans == [(32, 48), (48, 50)]
    assert writer.n_missing == 18
    fill_layers([key])
    layer = store.find(key)
    assert layer is not None
    np.testing.assert_array_equal(store.read(layer).features, values)


def test_a_damaged_part_is_written_again_alone(
    fill_layers: Fill, store: FeatureStore, begin: Begin, key: FeatureKey
) -> None:
    (whole,) = fill_layers([key])
    second = list_parts(store.directory(key))[1]
    second.write_bytes(second.read_bytes()[:-1])
    assert store.begin([key], *begin).spans == [(16, 32)]
    assert fill_layers([key]) == [whole]


def test_afresh_throws_away(
    fill_layers: Fill, store: FeatureStore, begin: Begin, key: FeatureKey
) -> None:
    fill_layers([key])
    assert store.begin([key], *begin, afresh=True).n_missing == 50


def test_a_layer_added_later_leaves_the_others_alone(
    fill_layers: Fill, store: FeatureStore, key: FeatureKey
) -> None:
    fill_layers([key])
    before = _states(store.directory(key))
    other = key.with_layer(LayerRef("blocks.2", "avg"))
    fill_layers([other])
    assert store.directory(other).parent == store.directory(key).parent
    assert _states(store.directory(key)) == before


def test_layers_that_miss_different_rows_are_forwarded_once(
    fill_layers: Fill, store: FeatureStore, begin: Begin, key: FeatureKey, values: FloatArray
) -> None:
    other = key.with_layer(LayerRef("blocks.2", "avg"))
    fill_layers([key], parts=1)
    fill_layers([other], parts=2)
    writer = store.begin([key, other], *begin)
    assert writer.spans == [(16, 32), (32, 48), (48, 50)]
    for manifest in fill_layers([key, other]):
        assert manifest.n_rows == 50
    for each in (key, other):
        layer = store.find(each)
        assert layer is not None
        np.testing.assert_array_equal(store.read(layer).features, values)


def test_no_manifest_while_rows_are_missing(
    fill_layers: Fill, store: FeatureStore, begin: Begin, key: FeatureKey
) -> None:
    writer = store.begin([key], *begin)
    with pytest.raises(IncompleteError, match="are missing"):
        writer.finish({})
    assert not (store.directory(key) / MANIFEST).exists()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, r"needs 1,234 bytes, [\d,]+ are free"),
        (errno.EROFS, "cannot write the cache"),
    ],
)
def test_refusals_are_explained(number: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(IncompleteError, match=said) as caught, explained_write(tmp_path, 1234):
        raise OSError(number, "refused")
    assert "--cache-dir" in caught.value.hint


def _states(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in directory.iterdir()}
