"""One test for each ingredient of the key: change it and the cache misses, leave it and it hits."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import featrank.run.plan
from featrank.cache.store import FeatureStore, Layer
from featrank.config import RunConfig, Selection
from featrank.records import Preprocessing
from featrank.reporting import Silent
from featrank.run.context import RunContext
from featrank.run.pipeline import extract_models
from featrank.run.plan import Candidate, plan_models
from featrank.storage.file_hashes import FileHashes
from featrank.targets import open_target
from featrank.zoos import Shelf, resolve_models

Plan = Callable[..., Candidate]


@pytest.fixture
def config(images: Path, cache_dir: Path, tmp_path: Path) -> RunConfig:
    return RunConfig(
        dataset=str(images),
        models=(f"test_resnet@{checkpoint(tmp_path / 'a.safetensors', 1)}",),
        selection=Selection(limit_per_class=4),
        workers=0,
        cache_dir=cache_dir,
    )


def checkpoint(path: Path, seed: int) -> Path:
    import timm
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        save_file(timm.create_model("test_resnet", pretrained=False).state_dict(), path)
    return path


@pytest.fixture
def plan(config: RunConfig) -> Iterator[Plan]:
    """Plan a changed configuration against the cache that the unchanged one filled."""
    assert config.cache_dir is not None
    store = FeatureStore(config.cache_dir, FileHashes(), print)
    (report,) = extract_models(config, Silent())
    assert report.status == "ok"

    def changed(**changes: object) -> Candidate:
        new = dataclasses.replace(config, **changes)  # type: ignore[arg-type]
        shelf = Shelf.at(config.cache_dir)
        target = open_target(new.dataset, new.selection, shelf.hashes)
        models = resolve_models(new.models, shelf)
        run = RunContext(new, models, (), target, store, shelf, Silent())
        (planned,) = plan_models(run)
        assert planned.error is None
        return planned.candidates[0]

    yield changed
    store.lease.close()


def hit(candidate: Candidate) -> Layer | None:
    return candidate.layer


def test_nothing_changed_hits(plan: Plan) -> None:
    assert hit(plan())


def test_place_of_the_images_does_not_count(plan: Plan, images: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(images, tmp_path / "copy")
    assert hit(plan(dataset=str(copy)))
    for path in images.rglob("*.*"):
        path.touch()
    assert hit(plan())
    moved = shutil.move(images, tmp_path / "moved")
    assert hit(plan(dataset=str(moved)))


def test_place_of_the_weights_does_not_count(plan: Plan, config: RunConfig, tmp_path: Path) -> None:
    path = shutil.move(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert hit(plan(models=(f"test_resnet@{path}",)))


def test_how_it_is_run_does_not_count(plan: Plan) -> None:
    assert hit(plan(batch_size=3, workers=1, rows_per_part=5, metrics=("nb",), device="cpu"))


def test_target_content(plan: Plan, images: Path) -> None:
    target = open_target(str(images), Selection(limit_per_class=4), FileHashes())
    path = images / target.samples[0].path
    path.write_bytes(path.read_bytes() + b"\0")
    assert not hit(plan())


def test_target_label(plan: Plan, images: Path) -> None:
    (images / "tools").rename(images / "zoo")
    assert not hit(plan())


def test_target_split(plan: Plan, images: Path, tmp_path: Path) -> None:
    root = tmp_path / "splits"
    shutil.copytree(images, root / "train")
    shutil.copytree(images, root / "val")
    for path in sorted((root / "val").glob("*/0*.*")):
        path.unlink()
    assert hit(plan(dataset=str(root)))
    selection = Selection(split="val", limit_per_class=4)
    assert not hit(plan(dataset=str(root), selection=selection))


@pytest.mark.parametrize(
    "selection",
    [Selection(limit_per_class=3), Selection(max_images=12), Selection(limit_per_class=4, seed=1)],
    ids=["limit", "max", "seed"],
)
def test_target_subset(plan: Plan, selection: Selection) -> None:
    assert not hit(plan(selection=selection))


def test_architecture(plan: Plan) -> None:
    assert not hit(plan(models=("random:test_vit",)))


def test_weights(plan: Plan, tmp_path: Path) -> None:
    checkpoint(tmp_path / "a.safetensors", 2)
    assert not hit(plan())


@pytest.mark.parametrize(
    "change",
    [
        {"input_size": (3, 96, 96)},
        {"crop_pct": 0.5},
        {"crop_mode": "border"},
        {"interpolation": "lanczos"},
        {"mean": (0.1, 0.2, 0.3)},
        {"std": (0.1, 0.2, 0.3)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_preprocessing(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    (kind,) = {type(featrank.run.plan.zoo_of(plan().model))}
    original = kind.preprocessing

    def changed(*arguments: object) -> Preprocessing:
        return dataclasses.replace(original(*arguments), **change)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "preprocessing", changed)
    assert not hit(plan())


def test_precision(plan: Plan) -> None:
    assert not hit(plan(precision="bfloat16"))


def test_extractor_version(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(featrank.run.plan, "EXTRACTOR_VERSION", 999)
    assert not hit(plan())


@pytest.mark.parametrize("layers", ["stages", "-2"])
def test_layer(plan: Plan, layers: str) -> None:
    assert not hit(plan(layers=layers))


def test_pooling(plan: Plan) -> None:
    assert not hit(plan(layers="last", pool="max"))


def test_refresh_looks_at_nothing(plan: Plan) -> None:
    assert not hit(plan(cache="refresh"))
