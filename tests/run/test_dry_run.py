"""What a run would do, told without doing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

from featrank.config import RunConfig, Selection
from featrank.reporting import Silent
from featrank.run.dry_run import PlannedModel, plan_run
from featrank.run.pipeline import extract_models

RESNET, VIT = "random:test_resnet", "random:test_vit"


@pytest.mark.parametrize(
    ("images", "speed", "seconds"), [(0, None, 0.0), (100, 50.0, 2.0), (100, None, None)]
)
def test_time_is_known_where_the_speed_is(
    images: int, speed: float | None, seconds: float | None
) -> None:
    planned = PlannedModel("timm:x", "x", images=images, images_per_second=speed)
    assert planned.seconds == seconds
    assert ("seconds" in planned.document) is (seconds is not None)
    assert "reason" not in planned.document


@pytest.fixture
def config(cache_dir: Path) -> RunConfig:
    return RunConfig(
        dataset="digits",
        models=(RESNET, VIT),
        selection=Selection(limit_per_class=2),
        workers=0,
        cache_dir=cache_dir,
    )


def test_what_is_here_costs_nothing_and_its_speed_tells_the_rest(config: RunConfig) -> None:
    (report,) = extract_models(replace(config, models=(RESNET,)), Silent())
    here, missing = plan_run(config, Silent())
    assert (here.model, here.layers, here.cached, here.images) == (RESNET, 1, 1, 0)
    assert (here.seconds, here.download, here.reason) == (0.0, False, "")
    assert (missing.model, missing.layers, missing.cached, missing.images) == (VIT, 1, 0, 20)
    assert missing.seconds is None
    # Other images of a model that was measured.
    more = replace(config, selection=Selection(limit_per_class=5))
    resnet, vit = plan_run(more, Silent())
    assert resnet.images == 50
    assert report.images_per_second is not None
    assert resnet.seconds == pytest.approx(50 / report.images_per_second)
    assert vit.seconds is None
    # The speed of another arithmetic is another one.
    assert plan_run(replace(more, precision="bfloat16"), Silent())[0].seconds is None


def test_several_layers_share_one_pass(config: RunConfig) -> None:
    extract_models(replace(config, models=(RESNET,)), Silent())
    several, _ = plan_run(replace(config, layers="-1,-2"), Silent())
    assert (several.layers, several.cached, several.images) == (2, 1, 20)


def test_a_failure_of_the_planning_is_a_reason(config: RunConfig) -> None:
    for planned in plan_run(replace(config, cache="only"), Silent()):
        assert "not in the cache" in planned.reason
        assert planned.document == {
            "model": planned.model, "requested": planned.model, "layers": 0, "cached": 0,
            "images": 0, "download": False, "seconds": 0.0, "reason": planned.reason,
        }  # fmt: skip


def test_a_download_is_asked_for_its_size_only(
    config: RunConfig, cache_dir: Path, tmp_path: Path, point_hub: Callable[[str], None]
) -> None:
    config = replace(config, models=("timm:test_resnet", "timm:test_vit"))
    with LoopbackHub({"timm/test_resnet.r160_in1k/model.safetensors": b"x" * 12_345}) as hub:
        point_hub(hub.url)
        known, unknown = plan_run(config, Silent())
        assert not [line for line in hub.requests if line.startswith("GET") and "resolve" in line]
    assert (known.download, known.download_bytes, known.images) == (True, 12_345, 20)
    assert (known.layers, known.cached, known.reason) == (1, 0, "")
    assert (unknown.download, unknown.download_bytes) == (True, None)
    assert "timm/test_vit" in unknown.reason
    assert not (tmp_path / "hub").exists()
    assert list(cache_dir.glob("features/*")) == []
