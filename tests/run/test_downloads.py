from __future__ import annotations

from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

from featrank.errors import InputError
from featrank.reporting import Silent
from featrank.run.downloads import announce_downloads, plan_downloads, prefetch_weights
from featrank.zoos import Filters, Shelf, resolve_models

OTHER = "timm/test_vit.r160_in1k"


class Listening(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


@pytest.fixture
def reporter() -> Listening:
    return Listening()


@pytest.fixture
def told(indexed: Path, reporter: Listening) -> Shelf:
    return Shelf(indexed, reporter=reporter)


def test_sizes_come_first_and_refusals_are_kept_for_later(
    hub: LoopbackHub, told: Shelf, reporter: Listening, small_file: Path
) -> None:
    hub.statuses[f"{OTHER}/model.safetensors"] = 401
    models = resolve_models(["test_resnet", "test_vit", "random:test_vit"], told)
    planned = {d.model.name: d for d in announce_downloads(models, told)}
    size = small_file.stat().st_size
    assert planned["test_resnet.r160_in1k"].n_bytes == size
    assert planned["test_vit.r160_in1k"].error is not None
    said = f"{size / 1e6:.1f} MB"
    assert reporter.said == [f"1 download, {said}: test_resnet.r160_in1k {said}"]
    assert not any(line.startswith("GET") for line in hub.requests)


def test_nothing_to_download_asks_nothing(
    hub: LoopbackHub, told: Shelf, reporter: Listening
) -> None:
    assert [row.status for row in prefetch_weights(["test_resnet"], None, None, told)] == [
        "downloaded"
    ]
    hub.requests.clear()
    reporter.said.clear()
    assert plan_downloads(resolve_models(["test_resnet"], told), told) == []
    (row,) = prefetch_weights(["test_resnet"], None, None, told)
    assert row.status == "on this machine"
    assert row.path is not None
    assert (hub.requests, reporter.said) == ([], [])


def test_one_failure_does_not_stop_the_others(hub: LoopbackHub, told: Shelf) -> None:
    rows = prefetch_weights(["test_vit", "test_resnet"], None, None, told)
    assert [row.status for row in rows] == ["failed", "downloaded"]
    assert rows[0].error is not None
    assert "(404)" in rows[0].error.message


def test_filters(hub: LoopbackHub, told: Shelf) -> None:
    chosen = Filters(exclude=("test_v*",), max_params=1e6)
    rows = prefetch_weights(["test_vit", "test_resnet"], chosen, None, told)
    assert [row.model.name for row in rows] == ["test_resnet.r160_in1k"]
    with pytest.raises(InputError, match="leave no model"):
        prefetch_weights(["test_vit"], chosen, None, told)
