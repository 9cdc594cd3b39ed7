from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from stored_layers import digits, pixels, store_layer

from featrank.cache.store import FeatureStore, Layer
from featrank.config import RunConfig, Selection
from featrank.errors import IncompleteError, InputError
from featrank.labelled.labelled import Labelled
from featrank.layers.names import HEAD_LAYER
from featrank.metrics import METRICS, Metric
from featrank.records import (
    CACHED,
    FAILED,
    OK,
    FloatArray,
    LayerRef,
    ModelRef,
    Score,
    ScoreRow,
    Shuffles,
)
from featrank.reporting import Silent
from featrank.run.context import RunContext
from featrank.run.plan import Candidate, ModelPlan
from featrank.run.rows import score_model
from featrank.scoring.score import NO_SOURCE_PROBS
from featrank.storage.file_hashes import FileHashes
from featrank.storage.kept_json import SEAL, write_kept
from featrank.zoos import Shelf

MODEL = ModelRef("flat", "timm", "flat", "flat")
TARGET = digits()
PIXELS, LABELS = pixels(TARGET), np.array(TARGET.labels)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    store = FeatureStore(tmp_path, FileHashes(), print)
    yield store
    store.lease.close()


def score_candidate(
    candidate: Candidate,
    metrics: Sequence[Metric],
    store: FeatureStore,
    head: Layer | None = None,
    shuffles: Shuffles | None = None,
) -> ScoreRow:
    plan = ModelPlan((candidate,), None if head is None else Candidate(MODEL, layer=head))
    null, seed = (shuffles.count, shuffles.seed) if shuffles else (None, 0)
    config = RunConfig("digits", ("flat",), null=null, selection=Selection(seed=seed))
    run = RunContext(config, [MODEL], (), TARGET, store, Shelf.at(None), Silent())
    (row,) = score_model(plan, metrics, run)
    return row


def class_sep() -> float:
    """1 - mean cosine distance within classes / that over all pairs of classes, from its pairs."""
    rows = PIXELS.astype(np.float64) / np.linalg.norm(PIXELS, axis=1, keepdims=True)
    distance = 1 - rows @ rows.T
    groups = [np.flatnonzero(label == LABELS) for label in range(10)]
    means = np.array([[distance[np.ix_(a, b)].mean() for b in groups] for a in groups])
    return float(1 - np.diag(means).mean() / means.mean())


def cdnv(features: FloatArray = PIXELS) -> float:
    """Variances over squared distances of means, less what the noise of the means adds to them."""
    groups = [features[label == LABELS].astype(np.float64) for label in range(10)]
    v = [np.cov(group.T).trace() for group in groups]
    above = below = 0.0
    for i in range(10):
        for j in range(i):
            a, b = groups[i], groups[j]
            above += v[i] + v[j]
            below += ((a.mean(0) - b.mean(0)) ** 2).sum() - v[i] / len(a) - v[j] / len(b)
    return above / (2 * below)


def leep(probs: FloatArray) -> float:
    joint = np.array([probs[label == LABELS].sum(axis=0) for label in range(10)])
    conditional = joint / joint.sum(axis=0)
    return float(
        np.mean([np.log(row @ conditional[y]) for row, y in zip(probs, LABELS, strict=True)])
    )


def test_scores_are_those_of_the_stored_numbers(store: FeatureStore) -> None:
    """Of metrics that stream the parts, that hold all rows, and that read the classifier."""
    probs = np.random.default_rng(0).dirichlet(np.ones(5), size=len(LABELS)).astype(np.float32)
    layer = store_layer(store, TARGET, PIXELS)
    head = store_layer(store, TARGET, probs, layer=HEAD_LAYER)
    assert len(layer.manifest.parts) == 4
    metrics = METRICS.select(["leep", "class_sep", "cdnv"])
    row = score_candidate(Candidate(MODEL, layer=layer), metrics, store, head)
    assert list(row.scores) == ["leep", "class_sep", "cdnv"]
    found = {name: one.score.value for name, one in row.scores.items() if one.score is not None}
    expected = {"leep": leep(probs), "class_sep": class_sep(), "cdnv": cdnv()}
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_row_says_where_its_numbers_come_from(store: FeatureStore) -> None:
    layer = store_layer(
        store, TARGET, PIXELS, layer=LayerRef("blocks.3", "gem"), images_per_second=12.5,
        device="a GPU", loading={"missing": ["head.weight"]},
    )  # fmt: skip
    row = score_candidate(Candidate(MODEL, layer=layer, depth=0.25), [], store)
    assert (row.model, row.layer, row.status) == (MODEL, LayerRef("blocks.3", "gem"), CACHED)
    assert (row.n_features, row.n_params, row.depth) == (64, 12, 0.25)
    assert (row.images_per_second, row.device, row.weights) == (12.5, "a GPU", "a" * 64)
    assert row.loading == {"missing": ["head.weight"]}
    assert score_candidate(Candidate(MODEL, layer=layer, forwarded=60), [], store).status == OK


def test_a_failure_is_a_row_with_its_reason(store: FeatureStore) -> None:
    layer = store_layer(store, TARGET, PIXELS)
    metrics = METRICS.select(["cdnv"])
    failed = Candidate(MODEL, layer=layer, error=IncompleteError("no hub", "set HF_ENDPOINT"))
    row = score_candidate(failed, metrics, store)
    assert (row.status, row.reason, row.hint, row.scores) == (
        FAILED, "no hub", "set HF_ENDPOINT", {},
    )  # fmt: skip
    nothing = score_candidate(Candidate(MODEL), metrics, store)
    assert (nothing.status, nothing.reason) == (FAILED, "no features")


def test_without_a_classifier_its_readers_have_a_reason(store: FeatureStore) -> None:
    layer = store_layer(store, TARGET, PIXELS)
    row = score_candidate(Candidate(MODEL, layer=layer), METRICS.select(["leep", "cdnv"]), store)
    assert (row.scores["leep"].score, row.scores["leep"].reason) == (None, NO_SOURCE_PROBS)
    assert row.scores["cdnv"].score is not None


def test_what_is_kept_is_not_computed_again_and_other_numbers_are(store: FeatureStore) -> None:
    metrics = METRICS.select(["cdnv", "class_sep"])
    layer = store_layer(store, TARGET, PIXELS)
    score_candidate(Candidate(MODEL, layer=layer), metrics, store)
    (kept,) = layer.directory.glob("_scores/cdnv.*.json")
    document = json.loads(kept.read_text())
    del document[SEAL]
    document["score"]["value"] = -7.0
    write_kept(kept, document)
    again = score_candidate(Candidate(MODEL, layer=layer), metrics, store)
    assert again.scores["cdnv"].score is not None
    assert again.scores["cdnv"].score.value == -7.0
    # A null is asked for that was not kept: it is computed, and the score with it.
    with_null = score_candidate(Candidate(MODEL, layer=layer), metrics, store, None, Shuffles(2))
    assert with_null.scores["cdnv"].null is not None
    assert with_null.scores["cdnv"].score is not None
    assert with_null.scores["cdnv"].score.value == pytest.approx(cdnv(), rel=1e-5)
    # Other features under the same key, as --cache refresh may leave them.
    write_kept(kept, document)
    halves = store_layer(store, TARGET, PIXELS[:, :32])
    assert halves.directory == layer.directory
    anew = score_candidate(Candidate(MODEL, layer=halves), metrics, store)
    assert anew.scores["cdnv"].score is not None
    assert anew.scores["cdnv"].score.value == pytest.approx(cdnv(PIXELS[:, :32]), rel=1e-5)


@pytest.mark.parametrize(("origin", "runs"), [("", 1), ("other 1.0", 2)])
def test_why_a_metric_failed_is_kept_unless_a_package_may_be_mended(
    store: FeatureStore, origin: str, runs: int
) -> None:
    calls = []

    def compute(labelled: Labelled) -> Score:
        calls.append(labelled.n_samples)
        raise InputError("too flat")

    flat = Metric("flat", "", "", 1, True, "", compute, origin=origin)
    layer = store_layer(store, TARGET, PIXELS)
    for _ in range(2):
        row = score_candidate(Candidate(MODEL, layer=layer), [flat], store)
        assert (row.scores["flat"].score, row.scores["flat"].reason) == (None, "too flat")
    assert calls == [60] * runs
