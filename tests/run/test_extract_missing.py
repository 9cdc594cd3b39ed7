"""What is missing is extracted, by whoever comes first."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stored_layers import digits
from told import Told

from featrank.cache.manifest import MANIFEST
from featrank.cache.store import FeatureStore
from featrank.config import RunConfig
from featrank.errors import DeviceLostError, IncompleteError, InputError
from featrank.records import FloatArray
from featrank.reporting import Reporter, Silent
from featrank.run.context import RunContext
from featrank.run.extract_missing import extract_missing
from featrank.run.plan import Candidate, ModelPlan, plan_models
from featrank.run.ranked import describe
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Sample, UnreadableImage
from featrank.zoos import Shelf, resolve_models

RESNET, VIT = "random:test_resnet", "random:test_vit"
TARGET = digits(2)

Plan = Callable[..., list[ModelPlan]]


@pytest.fixture
def config(cache_dir: Path) -> RunConfig:
    return RunConfig(dataset="digits", models=(RESNET, VIT), workers=0, cache_dir=cache_dir)


@pytest.fixture
def store(cache_dir: Path) -> Iterator[FeatureStore]:
    store = FeatureStore(cache_dir, FileHashes(), print)
    yield store
    store.lease.close()


@pytest.fixture
def plan(config: RunConfig, store: FeatureStore) -> Plan:
    shelf = Shelf.at(config.cache_dir)

    def run(*models: str, **changes: object) -> list[ModelPlan]:
        new = replace(config, **changes)  # type: ignore[arg-type]
        refs = resolve_models(models or config.models, shelf)
        return plan_models(RunContext(new, refs, (), TARGET, store, shelf, Silent()))

    return run


def extract(
    plans: list[ModelPlan], config: RunConfig, store: FeatureStore, reporter: Reporter
) -> Iterator[tuple[int, ModelPlan]]:
    models = [plan.model for plan in plans]
    shelf = Shelf.at(config.cache_dir)
    run = RunContext(config, models, (), TARGET, store, shelf, reporter)
    return extract_missing(plans, run)


def forwarded(done: ModelPlan) -> list[int]:
    return [candidate.forwarded for candidate in done.candidates]


def features(store: FeatureStore, done: ModelPlan) -> FloatArray:
    (candidate,) = done.candidates
    assert candidate.layer is not None
    found = store.read(candidate.layer)
    assert found.labels.tolist() == list(TARGET.labels)
    return found.features


def forwarded_by_hand(architecture: str) -> FloatArray:
    """What timm's own transform and network make of the images, one after another."""
    import timm
    import torch
    from timm.data import create_transform, resolve_model_data_config

    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        network = timm.create_model(architecture, pretrained=False).eval()
        transform = create_transform(**resolve_model_data_config(network))
        rows = [transform(TARGET.read(sample)).unsqueeze(0) for sample in TARGET.samples]
        found = [network.forward_head(network.forward_features(x), pre_logits=True) for x in rows]
        return np.concatenate([one.numpy() for one in found])


def test_what_is_at_hand_comes_first_and_the_rest_is_extracted(
    plan: Plan, config: RunConfig, store: FeatureStore
) -> None:
    ((place, first),) = extract(plan(RESNET), config, store, Silent())
    assert (place, forwarded(first)) == (0, [20])
    # An error of the planning is handed on as it is.
    plans = plan(VIT, RESNET)
    plans.append(ModelPlan((Candidate(plans[0].model, error=IncompleteError("no hub")),)))
    done = list(extract(plans, config, store, Silent()))
    assert [(place, forwarded(one)) for place, one in done] == [(1, [0]), (2, [0]), (0, [20])]
    assert done[1][1] is plans[2]
    for one, architecture in ((done[0][1], "test_resnet"), (done[2][1], "test_vit")):
        reference = forwarded_by_hand(architecture)
        assert features(store, one) == pytest.approx(reference, rel=1e-4, abs=1e-5)


def test_refresh_forwards_again_what_is_there(
    plan: Plan, config: RunConfig, store: FeatureStore
) -> None:
    list(extract(plan(RESNET), config, store, Silent()))
    ((_, again),) = extract(plan(RESNET), config, store, Silent())
    assert forwarded(again) == [0]
    refresh = replace(config, cache="refresh")
    ((_, fresh),) = extract(plan(RESNET, cache="refresh"), refresh, store, Silent())
    assert forwarded(fresh) == [20]


def test_what_another_extracts_is_put_off_then_waited_for_and_found(
    plan: Plan, config: RunConfig, store: FeatureStore, cache_dir: Path
) -> None:
    """Another thread stands for another process: the lock is the operating system's."""
    plans = plan(RESNET, VIT)
    theirs = plan(RESNET)
    held, asked = threading.Event(), threading.Event()

    def other() -> None:
        key = plans[0].candidates[0].key
        assert key is not None
        with store.lock(key, wait=False):
            held.set()
            assert asked.wait(60)
            list(extract(theirs, config, store, Silent()))

    thread = threading.Thread(target=other)
    thread.start()
    assert held.wait(60)
    told = Told(lambda line: asked.set() if "waiting" in line else None)
    try:
        done = list(extract(plans, config, store, told))
    finally:
        asked.set()
        thread.join()
    assert [place for place, _ in done] == [1, 0]
    assert [forwarded(one) for _, one in done] == [[20], [0]]
    assert told.lines == [f"waiting for {RESNET}: in work elsewhere"]
    assert told.passes == [(VIT, 20)]
    assert features(store, done[1][1]).shape == (20, 96)


def test_a_networks_own_bug_takes_no_other_model_along(
    plan: Plan, config: RunConfig, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from timm.models.resnet import ResNet

    def broken(self: ResNet, x: object) -> None:
        raise ZeroDivisionError("by nothing\nat all")

    monkeypatch.setattr(ResNet, "forward_features", broken)
    done = dict(extract(plan(RESNET, VIT), config, store, Silent()))
    error = done[0].error
    assert isinstance(error, IncompleteError)
    assert (error.message, error.hint) == ("ZeroDivisionError: by nothing", "--debug shows where")
    assert done[1].error is None
    monkeypatch.undo()
    # Nothing of it was kept for good.
    ((_, mended),) = extract(plan(RESNET), config, store, Silent())
    assert forwarded(mended) == [20]


def test_a_failed_models_network_is_gone_while_its_error_is_kept(
    plan: Plan, config: RunConfig, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from timm.models.resnet import ResNet

    seen: list[weakref.ref[object]] = []

    def full(self: ResNet, x: torch.Tensor) -> None:
        # Not the copy without numbers, on which layers are found.
        if x.device.type == "cpu":
            seen.extend(map(weakref.ref, [self, *self.parameters(), x]))
        raise torch.OutOfMemoryError("too much")

    monkeypatch.setattr(ResNet, "forward_features", full)
    plans = plan(RESNET)
    gc.collect()
    gc.disable()
    try:
        ((_, done),) = extract(plans, config, store, Silent())
        assert done.error is not None
        assert "out of memory" in done.error.message
        assert seen
        assert not [one for one in seen if one() is not None]
    finally:
        gc.enable()


def test_an_entry_of_several_devices_says_so(
    plan: Plan, config: RunConfig, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names alone are another machine's: what they stand for is no matter of the cache."""
    import featrank.extract.device

    config = replace(config, rows_per_part=8, batch_size=8)
    ((_, first),) = extract(plan(RESNET), config, store, Silent())
    before = first.candidates[0].layer
    assert before is not None
    assert before.manifest.extraction["device"] == "cpu"
    (before.directory / before.manifest.parts[1].file).unlink()
    (before.directory / MANIFEST).unlink()
    monkeypatch.setattr(featrank.extract.device, "device_name", lambda _: "NVIDIA X1")
    ((_, done),) = extract(plan(RESNET), config, store, Silent())
    layer = done.candidates[0].layer
    assert forwarded(done) == [8]
    assert layer is not None
    assert layer.manifest.extraction["device"] == "cpu, NVIDIA X1"
    assert store.verify(layer.directory) == []
    # The parts themselves know: a lost manifest takes nothing along.
    (layer.directory / MANIFEST).unlink()
    ((_, recovered),) = extract(plan(RESNET), config, store, Silent())
    assert forwarded(recovered) == [0]
    assert recovered.candidates[0].layer is not None
    assert recovered.candidates[0].layer.manifest.extraction == {"device": "cpu, NVIDIA X1"}


def test_a_lost_device_ends_the_run_and_blames_no_later_model(
    plan: Plan, config: RunConfig, store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from timm.models.resnet import ResNet

    def lost(self: ResNet, x: object) -> None:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(ResNet, "forward_features", lost)
    filling = extract(plan(VIT, RESNET, "random:test_vit2"), config, store, Silent())
    _, first = next(filling)
    assert first.error is None
    with pytest.raises(DeviceLostError, match="unspecified launch failure"):
        next(filling)
    monkeypatch.undo()
    # What was finished is kept.
    assert plan(VIT)[0].missing == []


def test_a_checkpoint_of_another_architecture_ends_the_run(
    plan: Plan, config: RunConfig, store: FeatureStore, tmp_path: Path
) -> None:
    import timm
    from safetensors.torch import save_file

    vit = timm.create_model("test_vit", pretrained=False)
    save_file(vit.state_dict(), tmp_path / "vit.safetensors")
    plans = plan(f"test_resnet@{tmp_path / 'vit.safetensors'}")
    with pytest.raises(InputError, match=r"vit\.safetensors"):
        list(extract(plans, config, store, Silent()))


@pytest.mark.parametrize("content", ["vit", b"", b"junk", None])
def test_one_file_that_cannot_be_used_never_ends_the_run_of_the_others(
    plan: Plan, config: RunConfig, store: FeatureStore, tmp_path: Path, content: object
) -> None:
    import timm
    from safetensors.torch import save_file

    bad = tmp_path / "a.safetensors"
    if content == "vit":
        save_file(timm.create_model("test_vit", pretrained=False).state_dict(), bad)
    elif isinstance(content, bytes):
        bad.write_bytes(content)
    else:
        bad.mkdir()  # a wildcard's match that is no file is none
    good = tmp_path / "b.safetensors"
    save_file(timm.create_model("test_resnet", pretrained=False).state_dict(), good)
    plans = plan(f"test_resnet@{tmp_path}/*.safetensors")
    ended = {done.model.requested: done for _, done in extract(plans, config, store, Silent())}
    assert ended[f"test_resnet@{good}"].missing == []
    if content is not None:
        error = ended[f"test_resnet@{bad}"].error
        assert error is not None
        assert str(bad) in error.message


def test_a_lost_manifest_costs_no_forward_pass(
    plan: Plan, config: RunConfig, store: FeatureStore, cache_dir: Path
) -> None:
    ((_, first),) = extract(plan(RESNET), config, store, Silent())
    before = features(store, first)
    for manifest in cache_dir.glob("features/*/*/_manifest.json"):
        manifest.unlink()
    told = Told()
    ((_, again),) = extract(plan(RESNET), config, store, told)
    assert (forwarded(again), told.passes) == ([0], [])
    assert (features(store, again) == before).all()


@pytest.mark.parametrize("again", ["extracted", "found"])
def test_a_class_that_is_lost_when_it_is_decoded_is_named(
    plan: Plan, config: RunConfig, store: FeatureStore, again: str
) -> None:
    lost = TARGET.class_names[-1]

    def read(sample: Sample) -> Image.Image:
        if sample.class_name == lost:
            raise UnreadableImage("truncated")
        return TARGET.read(sample)

    reporter = Told()
    torn = replace(TARGET, read=read)
    models = [one.model for one in plan(RESNET)]
    run = RunContext(
        replace(config, allow_skipped=True, workers=0), models, (), torn, store,
        Shelf.at(config.cache_dir), reporter,
    )  # fmt: skip
    for _ in range(2 if again == "found" else 1):
        reporter.warnings.clear()
        ((_, done),) = extract_missing(plan(RESNET), run)
    (line,) = reporter.warnings
    assert line == f"no usable image in the class '{lost}': it is not ranked on"
    assert line in describe(torn, done.candidates).warnings
