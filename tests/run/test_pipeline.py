"""From models and images to a ranking, and what is published on the way."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from featrank.config import RunConfig, Selection
from featrank.errors import InputError
from featrank.metrics import METRICS
from featrank.records import CACHED, FAILED, OK, FloatArray, Offered, Result
from featrank.reporting import Silent
from featrank.run.pipeline import extract_models, rank_models

RESNET, VIT, BYOBNET = "random:test_resnet", "random:test_vit", "random:test_byobnet"


@pytest.fixture(scope="module")
def extracted(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """Of 40 digits the features of two models are here, those of a third are not."""
    config = RunConfig(
        dataset="digits",
        models=(RESNET, VIT),
        metrics=("class_sep", "cdnv", "leep"),
        selection=Selection(limit_per_class=4),
        workers=0,
        cache_dir=Path(shutil.copytree(indexed, tmp_path_factory.mktemp("extracted") / "cache")),
    )
    first = extract_models(config, Silent())
    assert [(one.model.id, one.status, one.forwarded) for one in first] == [
        (RESNET, OK, 40), (VIT, OK, 40),
    ]  # fmt: skip
    return config


@pytest.fixture
def config(extracted: RunConfig, tmp_path: Path) -> RunConfig:
    """A copy of the cache, which the test may change."""
    assert extracted.cache_dir is not None
    cache = Path(shutil.copytree(extracted.cache_dir, tmp_path / "warm"))
    return replace(extracted, cache_dir=cache)


def test_what_was_extracted_is_found_again(extracted: RunConfig) -> None:
    assert extracted.cache_dir is not None
    again = extract_models(replace(extracted, models=(VIT, RESNET)), Silent())
    assert [(one.model.id, one.status, one.forwarded) for one in again] == [
        (VIT, CACHED, 0), (RESNET, CACHED, 0),
    ]  # fmt: skip
    for report in again:
        parts = extracted.cache_dir.glob(f"features/*/*.{report.key}/part-*.parquet")
        tables = [pq.read_table(part) for part in parts]
        assert report.n_rows == sum(table.num_rows for table in tables) == 40
        assert report.n_features == len(tables[0]["features"][0])
        assert report.images_per_second is not None


def test_a_failure_is_a_report_in_its_place(extracted: RunConfig) -> None:
    config = replace(extracted, models=(BYOBNET, VIT), cache="only")
    failed, found = extract_models(config, Silent())
    assert (failed.model.id, failed.status, failed.key) == (BYOBNET, FAILED, None)
    assert "not in the cache" in failed.reason
    assert failed.hint
    assert (found.model.id, found.status) == (VIT, CACHED)


def stored(cache: Path, model: str, layer: str) -> tuple[FloatArray, np.ndarray]:
    """Features and classes of a layer, as another tool reads the files."""
    tables = [pq.read_table(part) for part in sorted(cache.glob(f"features/*/{layer}_*/*.parquet"))]
    (table,) = [t for t in tables if json.loads(t.schema.metadata[b"featrank"])["model"] == model]
    features = np.array(table["features"].to_pylist(), dtype=np.float32)
    return features, table["class_name"].to_numpy()


def test_a_ranking_of_what_is_here_by_the_files_own_numbers(config: RunConfig) -> None:
    assert config.cache_dir is not None
    result = rank_models(config, Silent())
    found = {row.model.id: row for row in result.ranking.rows}
    read = {"class_sep": "pre_logits", "cdnv": "pre_logits", "leep": "head"}
    values = {
        model: {
            name: METRICS.get(name)(*stored(config.cache_dir, model, layer))
            for name, layer in read.items()
        }
        for model in (RESNET, VIT)
    }
    for model, row in found.items():
        assert row.status == CACHED
        scores = {name: one.score.value for name, one in row.scores.items() if one.score}
        assert scores == pytest.approx(values[model], rel=1e-6)
    # The mean rank over the three, by hand; of cdnv less is better.
    signs = {"class_sep": 1, "cdnv": -1, "leep": 1}
    wins = sum(sign * (values[RESNET][n] - values[VIT][n]) > 0 for n, sign in signs.items())
    means = {RESNET: 2 - wins / 3, VIT: 1 + wins / 3}
    assert {model: row.mean_rank for model, row in found.items()} == pytest.approx(means)
    best = min(means, key=means.__getitem__)
    assert [row.rank for row in result.ranking.rows] == [1, 2]
    assert result.ranking.rows[0].model.id == best
    assert result.candidates == (RESNET, VIT)
    assert not result.partial
    assert set(result.timings) == {"plan", "extract", "score", "total"}
    assert result.stamp["hashes"]["target"] == result.target.fingerprint
    assert result.config["models"] == [RESNET, VIT]
    # Only 40 of the 1,797 digits were wanted.
    assert result.target.offered == Offered(1797, 10)
    assert result.target.n_images == 40


def test_files_are_written_before_the_first_model_and_after_the_last(config: RunConfig) -> None:
    published: list[Result] = []
    config = replace(config, models=(BYOBNET, VIT), metrics=("cdnv",))
    result = rank_models(config, Silent(), published.append)
    seen = [([row.model.id for row in one.ranking.rows], one.partial) for one in published]
    assert seen[:2] == [([], True), ([VIT], True)]
    assert (set(seen[2][0]), seen[2][1]) == ({VIT, BYOBNET}, False)
    assert len(seen) == 3
    assert {one.candidates for one in published} == {(BYOBNET, VIT)}
    assert len({str(one.stamp) for one in published}) == 1
    assert {row.model.id: row.status for row in result.ranking.rows} == {VIT: CACHED, BYOBNET: OK}


def test_a_failure_stays_in_the_ranking(config: RunConfig) -> None:
    result = rank_models(replace(config, models=(BYOBNET, VIT), cache="only"), Silent())
    assert [row.model.id for row in result.ranking.rows] == [VIT, BYOBNET]
    assert [row.model.id for row in result.ranking.failed] == [BYOBNET]
    assert not result.partial


def test_nothing_is_begun_where_the_metrics_are_asked_wrongly(config: RunConfig) -> None:
    published: list[Result] = []
    with pytest.raises(InputError, match="--by nb"):
        rank_models(replace(config, by="nb"), Silent(), published.append)
    assert published == []
