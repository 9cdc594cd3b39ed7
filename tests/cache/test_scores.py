import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from featrank.cache.scores import ScoreStore
from featrank.labelled.feature_source import ArraySource
from featrank.metrics import METRICS
from featrank.records import Features, MetricScore, Null, Score, Shuffles
from featrank.scoring.score import score_features
from featrank.storage.kept_json import SEAL, write_kept

SCORE = MetricScore(
    "tmi",
    1,
    {"k": 3},
    True,
    Score(0.1 + 0.2, -1e-300, {"clamped_fraction": 1 / 3}, (0.1, 1 / 3), ("most are clamped",)),
)


def test_a_score_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    ScoreStore(tmp_path, "digest").put(SCORE)
    assert ScoreStore(tmp_path, "digest").get("tmi", 1, {"k": 3}) == SCORE


def test_a_score_of_an_older_release_that_kept_no_remarks_is_none(tmp_path: Path) -> None:
    store = ScoreStore(tmp_path, "digest")
    store.put(SCORE)
    (path,) = (tmp_path / "_scores").iterdir()
    document = json.loads(path.read_text())
    del document[SEAL], document["score"]["remarks"]
    write_kept(path, document)
    assert store.get("tmi", 1, {"k": 3}) is None


@pytest.mark.parametrize(
    ("digest", "version", "params"),
    [("other", 1, {"k": 3}), ("digest", 2, {"k": 3}), ("digest", 1, {"k": 4})],
)
def test_other_features_version_or_params_miss(
    tmp_path: Path, digest: str, version: int, params: dict[str, int]
) -> None:
    ScoreStore(tmp_path, "digest").put(SCORE)
    assert ScoreStore(tmp_path, digest).get("tmi", version, params) is None


def test_a_reason_is_kept_too(tmp_path: Path) -> None:
    refused = MetricScore("tmi", 1, {}, True, None, "every class is too small")
    store = ScoreStore(tmp_path, "digest")
    store.put(refused)
    assert store.get("tmi", 1, {}) == refused


@pytest.mark.parametrize("change", [{"score": None}, {"reason": "because"}])
def test_a_number_or_a_reason_and_never_both_or_neither(
    tmp_path: Path, change: dict[str, object]
) -> None:
    store = ScoreStore(tmp_path, "digest")
    store.put(SCORE)
    (path,) = (tmp_path / "_scores").iterdir()
    document = json.loads(path.read_text())
    del document[SEAL]
    write_kept(path, document | change)
    assert store.get("tmi", 1, {"k": 3}) is None


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"key": 1}'])
def test_a_damaged_score_is_no_score(tmp_path: Path, content: str) -> None:
    store = ScoreStore(tmp_path, "digest")
    store.put(SCORE)
    for path in (tmp_path / "_scores").iterdir():
        path.write_text(content)
    assert store.get("tmi", 1, {"k": 3}) is None


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "_scores").touch()
    store = ScoreStore(tmp_path, "digest")
    store.put(SCORE)
    assert store.get("tmi", 1, {"k": 3}) is None


def test_a_null_comes_back_under_its_permutations_only(tmp_path: Path) -> None:
    store, with_null = ScoreStore(tmp_path, "digest"), replace(SCORE, null=Null(0.1 + 0.2, 1 / 3))
    store.put(with_null, Shuffles(5, 1))
    assert store.get("tmi", 1, {"k": 3}, shuffles=Shuffles(5, 1)) == with_null
    assert store.get("tmi", 1, {"k": 3}) == SCORE
    for other in (Shuffles(6, 1), Shuffles(5, 2)):
        assert store.get("tmi", 1, {"k": 3}, shuffles=other) is None
    for version, params in ((2, {"k": 3}), (1, {"k": 4})):
        assert store.get("tmi", version, params, shuffles=Shuffles(5, 1)) is None


def test_a_score_without_the_null_asked_for_is_computed_again(tmp_path: Path) -> None:
    store = ScoreStore(tmp_path, "digest")
    store.put(SCORE)
    assert store.get("tmi", 1, {"k": 3}, shuffles=Shuffles(5)) is None


def test_another_package_or_version_of_it_misses(tmp_path: Path) -> None:
    store, plugged = ScoreStore(tmp_path, "digest"), replace(SCORE, origin="pack 1.0")
    store.put(plugged)
    assert store.get("tmi", 1, {"k": 3}, origin="pack 1.0") == plugged
    assert store.get("tmi", 1, {"k": 3}, origin="pack 1.1") is None
    assert store.get("tmi", 1, {"k": 3}) is None


def test_other_results_are_kept_by_key(tmp_path: Path) -> None:
    store = ScoreStore(tmp_path, "digest")
    store.keep("curve", {"seeds": (1, 2)}, {"shots": [1]})
    assert store.load("curve", {"seeds": [1, 2]}) == {"shots": [1]}
    with pytest.raises(FileNotFoundError):
        store.load("curve", {"seeds": [1, 3]})


@pytest.mark.parametrize("shuffles", [None, Shuffles(2)])
def test_every_metrics_kept_score_equals_the_fresh_one(
    tmp_path: Path, shuffles: Shuffles | None
) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 20)
    features = (rng.normal(size=(60, 8)) + labels[:, None]).astype(np.float32)
    probs = rng.dirichlet(np.ones(5), 60)
    source = ArraySource(Features(features, labels, ("a", "b", "c"), probs))
    store = ScoreStore(tmp_path, "digest")
    for fresh in score_features(source, METRICS.select(["*"]), shuffles):
        store.put(fresh, shuffles)
        assert store.get(fresh.metric, fresh.version, fresh.params, shuffles=shuffles) == fresh
