"""Extract the features that the cache lacks."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from featrank.cache.key import FeatureKey
from featrank.cache.locks import Busy
from featrank.cache.store import FeatureStore, rows_per_part
from featrank.cache.writer import EntryWriter, Table
from featrank.config import RunConfig
from featrank.errors import DeviceLostError, FeatrankError, IncompleteError, InputError
from featrank.layers.names import HEAD_LAYER
from featrank.records import ModelRef
from featrank.run.context import RunContext, refuse_skipped
from featrank.run.plan import Candidate, ModelPlan, failed_plan, refuse_alone
from featrank.stamp import package_versions
from featrank.zoos import load_network

log = logging.getLogger("featrank")


def extract_missing(plans: Sequence[ModelPlan], run: RunContext) -> Iterator[tuple[int, ModelPlan]]:
    """Each model's index with all its layers in the store, or with what kept them from it.

    What is at hand comes first. A model that another process is extracting is put off until the
    others are done, then waited for; its features are then found, not extracted again.

    Raises:
        InputError: The only model cannot be used: its file holds another architecture's weights; or
            the images turn out to be none that can be ranked on.
    """
    told: set[str] = set()
    for i, plan in _extract_in_turn(plans, run):
        _check_usable(plan.candidates[0], run.config)
        layer = plan.candidates[0].layer
        for line in () if layer is None else layer.manifest.warnings:
            if line not in told:
                run.reporter.warn(line)
            told.add(line)
        yield i, plan


def _extract_in_turn(
    plans: Sequence[ModelPlan], run: RunContext
) -> Iterator[tuple[int, ModelPlan]]:
    waiting: deque[int] = deque()
    for i, plan in enumerate(plans):
        if plan.is_at_hand:
            yield i, plan
        else:
            waiting.append(i)
    busy = 0
    while waiting:
        i = waiting.popleft()
        # Once around without finding one that is free: wait for this one.
        wait = busy > len(waiting)
        if wait:
            run.reporter.say(f"waiting for {plans[i].model.requested}: in work elsewhere")
        try:
            done = _extract_locked(plans[i], run, wait=wait)
        except Busy:
            waiting.append(i)
            busy += 1
            continue
        busy = 0
        if done.error is not None:
            refuse_alone(done.error, plans)
        yield i, done


def _extract_locked(plan: ModelPlan, run: RunContext, *, wait: bool) -> ModelPlan:
    store = run.store
    try:
        with store.lock(_keys(plan)[0], wait=wait):
            if run.config.cache != "refresh":
                plan = _with_found(plan, store)
            if not plan.missing:
                return plan
            forwarded = _extract(plan, run)
            return _with_found(plan, store, forwarded)
    except (DeviceLostError, Busy):
        raise
    except FeatrankError as error:
        log.debug("%s failed", plan.model.id, exc_info=True)
        failed = failed_plan(plan.model, error)
    except Exception as error:
        # A network's own bug must not take the other models along.
        log.debug("%s failed", plan.model.id, exc_info=True)
        line = next(iter(str(error).splitlines()), "")
        reason = IncompleteError(f"{type(error).__name__}: {line}", "--debug shows where")
        failed = failed_plan(plan.model, reason)
    # Here, where no frame of the failure holds on to its tensors any more.
    _hand_back_memory()
    return failed


def _hand_back_memory() -> None:
    # Nothing of a GPU was used where this is not here.
    if module := sys.modules.get("featrank.extract.device_faults"):
        module.empty_cache()


def _with_found(plan: ModelPlan, store: FeatureStore, forwarded: int = 0) -> ModelPlan:
    """With what is in the store now."""

    def found(candidate: Candidate) -> Candidate:
        if candidate.layer is not None or candidate.key is None:
            return candidate
        layer = store.find(candidate.key) or store.recover(candidate.key)
        return dataclasses.replace(candidate, layer=layer, forwarded=forwarded)

    return dataclasses.replace(
        plan,
        candidates=tuple(found(candidate) for candidate in plan.candidates),
        head=found(plan.head) if plan.head is not None else None,
    )


def _extract(plan: ModelPlan, run: RunContext) -> int:
    """Forward the images whose features are missing; how many."""
    # The first lines of the program that need torch.
    from featrank.extract.device import choose_device, device_name
    from featrank.extract.forward import Backbone, Stopwatch, extract_features
    from featrank.extract.images import default_workers
    from featrank.extract.interrupts import keep_interrupts

    config, target, reporter = run.config, run.target, run.reporter
    model, keys, weights = plan.model, _keys(plan), plan.candidates[0].weights
    if weights is None:
        raise IncompleteError(f"the weights of {model.id} are not known")
    device = choose_device(config.device)
    loaded = load_network(model, weights)
    misfit = loaded.misfit
    if misfit:
        reporter.warn(f"{model.requested}: what did not fit: {misfit}")
    differing = loaded.trained_with.differences(keys[0].preprocessing, model.architecture)
    notes = [*loaded.notes, *differing]
    for note in notes:
        (reporter.say if note in loaded.notes else reporter.warn)(f"{model.requested}: {note}")
    if not getattr(loaded.network, "num_classes", 0):
        keys = [key for key in keys if key.layer != HEAD_LAYER]
        if not keys:
            return 0
    layers = [key.layer for key in keys]
    backbone = Backbone(loaded.network, keys[0].preprocessing, device, config.precision, layers)
    # The backbone has folded weights of its own.
    del loaded
    made = {"n_params": backbone.n_params, "device": device_name(device)}
    writer = _begin(model, keys, run, made=made)
    workers = default_workers() if config.workers is None else config.workers
    watch = Stopwatch()
    with (
        keep_interrupts() as raise_lost,
        closing(
            extract_features(backbone, target, writer.spans, config.batch_size, workers)
        ) as batches,
        reporter.progress(model.requested, writer.n_missing) as advance,
    ):
        for batch in batches:
            writer.add(batch.span, batch.rows, batch.features, batch.skipped, last=batch.last)
            done = len(batch.rows) + len(batch.skipped)
            watch.count(done)
            advance(done)
            raise_lost()
    writer.finish(
        {
            "device": made["device"],
            "images_per_second": watch.images_per_second,
            **({"loading": misfit.document} if misfit else {}),
            **({"weights_notes": notes} if notes else {}),
            "versions": package_versions(),
        }
    )
    return watch.images


def _begin(
    model: ModelRef, keys: Sequence[FeatureKey], run: RunContext, *, made: Mapping[str, Any]
) -> EntryWriter:
    target, config = run.target, run.config
    facts = {
        **made,
        "model": model.id,
        "target": target.name,
        "split": target.split,
        "class_names": list(target.class_names),
    }
    table = Table(
        [sample.digest for sample in target.samples],
        [sample.path for sample in target.samples],
        target.labels,
        target.groups,
    )
    rows = config.rows_per_part or rows_per_part(len(target.samples), config.batch_size)
    return run.store.begin(keys, facts, table, rows, afresh=config.cache == "refresh")


def _keys(plan: ModelPlan) -> list[FeatureKey]:
    keys = [candidate.key for candidate in plan.missing if candidate.key is not None]
    if not keys:
        raise IncompleteError(f"the weights of {plan.model.id} are not known")
    return keys


def _check_usable(candidate: Candidate, config: RunConfig) -> None:
    """Stop where decoding showed that the target itself cannot be ranked on."""
    if candidate.layer is None:
        return
    manifest = candidate.layer.manifest
    if len(manifest.class_counts) < 2:
        first = manifest.skipped[0] if manifest.skipped else None
        found = "no readable image" if not manifest.class_counts else "images of one class only"
        example = f"; {first.path}: {first.reason}" if first else ""
        raise InputError(
            f"{found} in '{manifest.target}'{example}",
            "scores compare classes: at least two need images that Pillow can open",
        )
    refuse_skipped(manifest.skipped, manifest.n_rows + len(manifest.skipped), config)
