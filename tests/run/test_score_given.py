from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from stored_layers import digits, pixels, store_layer

from featrank.cache.manifest import MANIFEST
from featrank.cache.store import FeatureStore, Layer
from featrank.errors import IncompleteError, InputError
from featrank.layers.names import HEAD_LAYER
from featrank.metrics import METRICS
from featrank.records import CACHED, FAILED, LayerRef, Result, ScoreRow, Shuffles
from featrank.run.score_given import score_sources
from featrank.scoring.learning_curve import CurveSettings
from featrank.storage.file_hashes import FileHashes

TARGET = digits()
PIXELS, LABELS = pixels(TARGET), np.array(TARGET.labels)
PROBS = np.random.default_rng(0).dirichlet(np.ones(5), size=len(LABELS)).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    store = FeatureStore(tmp_path / "cache", FileHashes(), print)
    yield store
    store.lease.close()


@pytest.fixture
def layer(store: FeatureStore) -> Layer:
    """The pixels, with the probabilities that the classifier of the same pass gave."""
    store_layer(store, TARGET, PROBS, layer=HEAD_LAYER)
    return store_layer(store, TARGET, PIXELS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The same as an array file that somebody else wrote."""
    path = tmp_path / "mine.NPZ"
    with path.open("wb") as stream:
        np.savez(stream, features=PIXELS, labels=LABELS.astype(str), source_probs=PROBS)
    return path


def values(result: Result, place: int = 0) -> dict[str, float]:
    scores = result.ranking.rows[place].scores
    return {name: one.score.value for name, one in scores.items() if one.score is not None}


def expected(*metrics: str) -> dict[str, float]:
    """The metrics called directly."""
    read = {"leep": PROBS}
    return {name: METRICS.get(name)(read.get(name, PIXELS), LABELS) for name in metrics}


def test_a_cached_layer_and_a_file_of_the_same_numbers_score_the_same(
    store: FeatureStore, layer: Layer, file: Path
) -> None:
    names = ["leep", "class_sep", "cdnv"]
    for source in (layer.key, layer.key[:5], str(file)):
        result = score_sources([source], names, None, store)
        assert list(result.ranking.rows[0].scores) == names
        assert values(result) == pytest.approx(expected(*names), rel=1e-6)


def test_what_a_cached_layer_is_of(store: FeatureStore) -> None:
    layer = store_layer(
        store, TARGET, PIXELS, model="hf-hub:a/b:c", layer=LayerRef("b3", "gem"), skip=(0, 59)
    )
    result = score_sources([layer.key], ["cdnv"], None, store)
    (row,) = result.ranking.rows
    assert (row.model.id, row.model.zoo, row.model.name) == ("hf-hub:a/b:c", "hf-hub", "a/b:c")
    assert (row.layer, row.status, row.rank) == (LayerRef("b3", "gem"), CACHED, 1)
    target = result.target
    assert (target.name, target.fingerprint) == ("digits", TARGET.fingerprint)
    assert target.class_counts == {**{str(i): 6 for i in range(10)}, "0": 5, "9": 5}
    assert [skip.path for skip in target.skipped] == [
        TARGET.samples[0].path, TARGET.samples[59].path,
    ]  # fmt: skip


def test_what_a_file_is_of(store: FeatureStore, file: Path) -> None:
    result = score_sources([str(file)], ["cdnv"], None, store)
    (row,) = result.ranking.rows
    assert (row.model.id, row.model.architecture) == (f"file:{file}", "mine")
    assert (row.layer, row.status) == (LayerRef("features", "none"), CACHED)
    assert (row.n_features, row.n_params) == (64, None)
    assert result.target.name == "mine"
    assert result.target.class_counts == {str(i): 6 for i in range(10)}
    assert result.candidates == (f"file:{file}",)


def test_the_order_is_by_the_metric_that_is_asked_for(store: FeatureStore) -> None:
    """Noise beside the pixels: by any metric worse, whichever comes first."""
    noise = np.random.default_rng(1).normal(size=PIXELS.shape).astype(np.float32)
    worse = store_layer(store, TARGET, noise, model="timm:noise")
    better = store_layer(store, TARGET, PIXELS)
    for by, metrics in ((None, ["class_sep"]), ("cdnv", ["class_sep", "cdnv"])):
        result = score_sources([worse.key, better.key], metrics, by, store)
        assert [row.model.id for row in result.ranking.rows] == ["timm:flat", "timm:noise"]
        assert result.candidates == ("timm:noise", "timm:flat")
        assert (result.ranking.by, result.config["by"]) == (by, by)
        assert result.config["sources"] == [worse.key, better.key]


def test_files_are_of_one_target_where_their_labels_are(
    store: FeatureStore, file: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "same.npz", features=PIXELS[:, :9], labels=LABELS.astype(str))
    both = score_sources([str(file), str(tmp_path / "same.npz")], ["cdnv"], None, store)
    assert len(both.ranking.rows) == 2
    np.savez(tmp_path / "other.npz", features=PIXELS, labels=LABELS[::-1].astype(str))
    with pytest.raises(InputError, match="these are 2 targets: mine, other"):
        score_sources([str(file), str(tmp_path / "other.npz")], ["cdnv"], None, store)


def curve(row: ScoreRow) -> dict[str, object]:
    assert row.curve is not None
    return dict(row.curve)


def test_nulls_and_curves_are_those_asked_for_and_stand_in_the_settings(
    store: FeatureStore, layer: Layer, file: Path
) -> None:
    shuffles, plan = Shuffles(3, 7), CurveSettings(seeds=2, seed=7)
    results = [
        score_sources([source], ["cdnv", "leep"], None, store, shuffles=shuffles, curve=plan)
        for source in (layer.key, str(file))
    ]
    shuffled = [np.random.default_rng([7, i]).permutation(LABELS) for i in range(3)]
    for result in results:
        assert (result.config["null"], result.config["seed"], result.config["seeds"]) == (3, 7, 2)
        for name, features in (("cdnv", PIXELS), ("leep", PROBS)):
            nulls = [METRICS.get(name)(features, labels) for labels in shuffled]
            null = result.ranking.rows[0].scores[name].null
            assert null is not None
            assert (null.mean, null.std) == pytest.approx((np.mean(nulls), np.std(nulls, ddof=1)))
    assert curve(results[0].ranking.rows[0]) == curve(results[1].ranking.rows[0])
    assert "classifiers" in curve(results[0].ranking.rows[0])
    assert score_sources([layer.key], ["cdnv"], None, store).ranking.rows[0].curve is None


def test_one_class_has_reasons_for_the_score_and_for_the_curve(
    store: FeatureStore, tmp_path: Path
) -> None:
    np.savez(tmp_path / "one.npz", features=PIXELS, labels=np.zeros(60))
    result = score_sources(
        [str(tmp_path / "one.npz")], ["cdnv"], None, store, curve=CurveSettings(2, 0)
    )
    (row,) = result.ranking.rows
    assert row.scores["cdnv"].score is None
    assert "only one class" in row.scores["cdnv"].reason
    assert "only one class" in str(curve(row)["reason"])


def test_what_is_not_there_or_not_whole(store: FeatureStore, layer: Layer) -> None:
    with pytest.raises(InputError, match="no cache entry 'zzz'"):
        score_sources(["zzz"], ["cdnv"], None, store)
    with pytest.raises(InputError, match="no such file"):
        score_sources(["nowhere.npz"], ["cdnv"], None, store)
    part = layer.directory / layer.manifest.parts[1].file
    whole = part.read_bytes()
    part.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with pytest.raises(IncompleteError, match=part.name) as damaged:
        score_sources([layer.key], ["cdnv"], None, store)
    assert damaged.value.hint == "run the extraction again"
    part.write_bytes(whole)
    assert values(score_sources([layer.key], ["cdnv"], None, store)) == pytest.approx(
        expected("cdnv"), rel=1e-6
    )
    (layer.directory / MANIFEST).unlink()
    with pytest.raises(IncompleteError, match=f"{layer.key} is not complete"):
        score_sources([layer.key], ["cdnv"], None, store)


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 cut"])
def test_one_bad_file_never_ends_the_scoring_of_the_others(
    store: FeatureStore, file: Path, tmp_path: Path, content: bytes
) -> None:
    bad = tmp_path / "bad.npz"
    bad.write_bytes(content)
    result = score_sources([str(bad), str(file)], ["gda"], None, store)
    by_name = {row.model.requested: row for row in result.ranking.rows}
    assert by_name[str(bad)].status == FAILED
    assert "cannot read" in by_name[str(bad)].reason
    assert "pickle" not in by_name[str(bad)].reason
    assert by_name[str(file)].rank == 1
    with pytest.raises(InputError, match="cannot read"):
        score_sources([str(bad)], ["gda"], None, store)
    with pytest.raises(InputError, match="none of the 2"):
        score_sources([str(bad), str(tmp_path / "missing.npz")], ["gda"], None, store)
