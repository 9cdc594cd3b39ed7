"""``featrank score``: nulls, learning curves and source probabilities of given features."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featrank.metrics import METRICS
from featrank.storage.kept_json import SEAL, write_kept

Main = Callable[..., Any]
RNG = np.random.default_rng(0)
LABELS = RNG.permutation(np.repeat(np.arange(3), 20))
FEATURES = (RNG.normal(size=(3, 6))[LABELS] + RNG.normal(size=(60, 6))).astype(np.float32)
NAMES = np.array(["ant", "bee", "cow"])[LABELS]


@pytest.fixture
def given(tmp_path: Path) -> Path:
    probs = RNG.dirichlet(np.ones(5), size=60)
    np.savez(tmp_path / "f.npz", features=FEATURES, labels=NAMES, source_probs=probs)
    return tmp_path / "f.npz"


def row(path: Path) -> dict[str, Any]:
    (found,) = json.loads(path.read_text())["rows"]
    return dict(found)


def test_null_is_the_metric_on_shuffled_labels(
    featrank_main: Main, given: Path, tmp_path: Path
) -> None:
    from featrank.metrics import gda, leep

    ended = featrank_main(
        "score", given, "--metrics", "gda,leep,spectrum", "--null", 4, "--seed", 3,
        "-o", tmp_path / "r.json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    scores = row(tmp_path / "r.json")["scores"]
    shuffled = [np.random.default_rng([3, i]).permutation(NAMES) for i in range(4)]
    probs = np.load(given)["source_probs"]
    for metric, features in ((gda, FEATURES), (leep, probs)):
        values = [metric(features, labels) for labels in shuffled]
        score = scores[metric.name]
        assert score["value"] == metric(features, NAMES)
        assert score["null_mean"] == pytest.approx(np.mean(values), rel=1e-12)
        assert score["null_std"] == pytest.approx(np.std(values, ddof=1), rel=1e-12)
        assert f"{score['null_mean']:.4g}±{score['null_std']:.2g}" in ended.out
    assert scores["spectrum"]["details"]["label_free"] is True
    assert "null_mean" not in scores["spectrum"]
    assert "label-free" in ended.out
    assert "no null" not in ended.out
    config = json.loads((tmp_path / "r.json").read_text())["config"]
    assert (config["null"], config["seed"]) == (4, 3)


def test_without_source_probs_their_readers_have_a_reason(
    featrank_main: Main, tmp_path: Path
) -> None:
    np.savez(tmp_path / "g.npz", features=FEATURES, labels=NAMES)
    ended = featrank_main(
        "score", tmp_path / "g.npz", "--metrics", "all", "-o", tmp_path / "r.json"
    )
    assert ended.code == 0, ended.err
    scores = row(tmp_path / "r.json")["scores"]
    assert list(scores) == METRICS.names()
    for metric in METRICS:
        score = scores[metric.name]
        if metric.needs == "source_probs":
            assert "no classifier came with these features" in score["reason"]
        else:
            assert np.isfinite(score["value"])


def test_curve_of_a_file(featrank_main: Main, given: Path, tmp_path: Path) -> None:
    ended = featrank_main(
        "score", given, "--metrics", "gda", "--curve", "--seeds", 2, "-o", tmp_path / "r.json"
    )
    assert ended.code == 0, ended.err
    curve = row(tmp_path / "r.json")["curve"]
    assert curve["shots"] == [1, 2, 5, 10]
    assert curve["seeds"] == 2
    assert f"{curve['classifiers']['linear']['mean'][3]:.3f}±" in ended.out


def test_curve_of_a_cached_layer_is_kept_and_leep_reads_its_head(
    featrank_main: Main, cache_dir: Path, tmp_path: Path
) -> None:
    from featrank.labelled.labelled import Labelled
    from featrank.scoring.learning_curve import CurveSettings, learning_curve

    extract = ("--dataset", "clipart", "--limit-per-class", 4, "--workers", 0, "--quiet")
    assert featrank_main("extract", *extract, "--models", "random:test_resnet").code == 0
    listed = json.loads(featrank_main("cache", "list", "--json").out)
    ids = {entry["key"]["layer"]: entry["id"] for entry in listed}
    features = ids["pre_logits"]
    arguments = ("score", features, "--metrics", "nb,leep", "--curve", "--seeds", 2, "--seed", 7)
    assert featrank_main(*arguments, "-o", tmp_path / "a.json").code == 0
    for name, key in ids.items():
        assert featrank_main("cache", "export", key, tmp_path / f"{name}.npz").code == 0
    exported, head = np.load(tmp_path / "pre_logits.npz"), np.load(tmp_path / "head.npz")
    found = row(tmp_path / "a.json")["scores"]["leep"]["value"]
    assert found == METRICS.get("leep")(head["features"], head["labels"])
    labelled = Labelled.from_arrays(exported["features"], exported["labels"])
    curve = row(tmp_path / "a.json")["curve"]
    assert curve == learning_curve(labelled, CurveSettings(2, 7)).document
    (kept,) = cache_dir.glob("features/*/*/_scores/curve.*.json")
    document = json.loads(kept.read_text())
    del document[SEAL]
    write_kept(kept, {**document, "held_out": -1})
    assert featrank_main(*arguments, "-o", tmp_path / "b.json").code == 0
    assert row(tmp_path / "b.json")["curve"]["held_out"] == -1
    assert featrank_main(*arguments[:-1], 8, "-o", tmp_path / "c.json").code == 0
    assert row(tmp_path / "c.json")["curve"]["held_out"] == curve["held_out"]


@pytest.mark.parametrize("flag", ["--null", "--seeds"])
def test_none_at_all_is_asked_wrongly(featrank_main: Main, given: Path, flag: str) -> None:
    ended = featrank_main("score", given, flag, 0)
    assert ended.code == 2
    assert f"{flag} must be at least 1" in ended.err
