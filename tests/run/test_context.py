"""What is settled before any work, and what stops a run."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from told import Told

from featrank.config import RunConfig, Selection
from featrank.errors import InputError
from featrank.reporting import Silent
from featrank.run.context import open_cache, resolve
from featrank.run.extract_missing import extract_missing
from featrank.run.pipeline import extract_models
from featrank.run.plan import plan_models

RESNET, VIT = "random:test_resnet", "random:test_vit"


@pytest.fixture
def config(cache_dir: Path) -> RunConfig:
    return RunConfig(
        dataset="digits",
        models=(RESNET,),
        selection=Selection(limit_per_class=2),
        workers=0,
        cache_dir=cache_dir,
    )


@pytest.fixture
def few(images: Path) -> Path:
    """Two classes of ten real images each."""
    for folder in list(images.iterdir()):
        if folder.name not in ("animals", "food"):
            shutil.rmtree(folder)
            continue
        for path in sorted(folder.iterdir())[10:]:
            path.unlink()
    return images


def test_what_is_resolved_listed_and_here_is_said(config: RunConfig) -> None:
    extract_models(config, Silent())
    told = Told()
    with resolve(replace(config, models=("random:test_vit,random:test-resnet",)), told) as run:
        plans = plan_models(run)
        assert [one.model.id for one in plans] == [VIT, RESNET]
        assert [one.is_at_hand for one in plans] == [False, True]
        assert [len(one.missing) for one in plans] == [2, 0]
        assert len(run.target.samples) == 20
    assert told.lines == [
        f"{VIT} → {VIT}",
        "random:test-resnet → random:test_resnet (test-resnet -> test_resnet)",
        "plan: 20 images × 2 models: 1 cached, 1 to extract, 0 failed",
    ]
    assert told.warnings == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_device_that_is_not_there_is_refused_before_anything_is_downloaded(
    config: RunConfig, device: str
) -> None:
    told = Told()
    # A dataset that would be asked for first, and is nowhere.
    wanted = replace(config, dataset="/nowhere", models=("hf:nobody/nothing",), device=device)
    with (
        pytest.raises(InputError, match=f"device '{device}' is not available"),
        resolve(wanted, told),
    ):
        pass
    assert told.lines == []


def test_a_shard_has_its_own_models_and_knows_of_the_others(config: RunConfig) -> None:
    names = (VIT, RESNET, "random:test_byobnet")
    with resolve(replace(config, models=names, shard="1/2"), Silent()) as run:
        assert [model.id for model in run.models] == [VIT, names[2]]
        assert run.candidates == names


def test_layers_are_counted_where_there_are_several(config: RunConfig) -> None:
    told = Told()
    with resolve(replace(config, layers="stages"), told) as run:
        n_layers = len(plan_models(run)[0].candidates)
    assert n_layers > 2
    assert f"20 images × 1 models ({n_layers} layers): 0 cached, 1 to extract" in told.lines[-1]


def test_without_the_cache_features_are_gone_afterwards(config: RunConfig) -> None:
    for changed in (replace(config, cache="off"), replace(config, cache_dir=None)):
        with resolve(changed, Silent()) as run:
            ((_, done),) = extract_missing(plan_models(run), run)
            (candidate,) = done.candidates
            assert candidate.layer is not None
            directory = candidate.layer.directory
            assert list(directory.glob("part-*.parquet"))
            assert run.store.root != config.cache_dir
        assert not directory.exists()
        assert not run.store.root.exists()
    with open_cache(config, Silent()) as (store, _):
        assert store.root == config.cache_dir
        assert list(store.layers()) == []


def test_what_surprises_about_the_images_is_a_warning(config: RunConfig, few: Path) -> None:
    first = sorted((few / "food").iterdir())[0]
    (few / "animals" / f"meal{first.suffix}").write_bytes(first.read_bytes())
    told = Told()
    with resolve(replace(config, dataset=str(few), selection=Selection()), told):
        pass
    (warning,) = told.warnings
    assert f"food/{first.name} (food)" in warning


def test_one_unusable_image_in_twenty_is_borne_unless_strict(config: RunConfig, few: Path) -> None:
    sorted((few / "food").iterdir())[0].unlink()
    (few / "food" / "link.png").symlink_to("nowhere")
    config = replace(config, dataset=str(few), selection=Selection())
    with resolve(config, Silent()) as run:
        assert len(run.target.samples) == 19
    said = r"--strict: 1 unusable images, first food/link\.png"
    with pytest.raises(InputError, match=said), resolve(replace(config, strict=True), Silent()):
        pass


def test_one_in_nineteen_is_too_many_unless_allowed(config: RunConfig, few: Path) -> None:
    for path in sorted((few / "food").iterdir())[:2]:
        path.unlink()
    (few / "food" / "link.png").symlink_to("nowhere")
    config = replace(config, dataset=str(few), selection=Selection())
    said = r"1 of 19 images are unusable, more than 5%; first food/link\.png"
    with pytest.raises(InputError, match=said) as caught, resolve(config, Silent()):
        pass
    assert "--allow-skipped" in caught.value.hint
    with resolve(replace(config, allow_skipped=True), Silent()) as run:
        assert [skip.path for skip in run.target.skipped] == ["food/link.png"]


@pytest.mark.parametrize(
    ("torn", "said"),
    [
        (("food",), "images of one class only in '.*'; food/.*"),
        (("food", "animals"), "no readable image in '.*'; .*"),
    ],
)
def test_what_decoding_shows_to_be_no_target_stops_the_run(
    config: RunConfig, few: Path, torn: tuple[str, ...], said: str
) -> None:
    """The folder looks well until the images are opened, now and when it is cached."""
    for name in torn:
        for i, path in enumerate(sorted((few / name).iterdir())):
            path.write_bytes(b"\x89PNG torn %d" % i)
    config = replace(config, dataset=str(few), allow_skipped=True)
    for _ in range(2):
        with resolve(config, Silent()) as run, pytest.raises(InputError, match=said) as caught:
            list(extract_missing(plan_models(run), run))
        assert "at least two need images that Pillow can open" in caught.value.hint
