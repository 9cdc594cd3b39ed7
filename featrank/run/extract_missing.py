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
from featrank.errors import DeviceLostError, FeatrankError, IncompleteError
from featrank.layers.names import HEAD_LAYER
from featrank.records import ModelRef
from featrank.reporting import Reporter
from featrank.run.plan import Candidate, Pass, failed_pass, refuse_alone
from featrank.stamp import package_versions
from featrank.targets import Target
from featrank.zoos import zoo_of

log = logging.getLogger("featrank")


def fill(
    passes: Sequence[Pass],
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    reporter: Reporter,
) -> Iterator[tuple[int, Pass]]:
    """Each model's index with all its layers in the store, or with what kept them from it.

    What is at hand comes first. A model that another process is extracting is put off until the
    others are done, then waited for; its features are then found, not extracted again.

    Raises:
        InputError: The only model cannot be used: its file holds another architecture's weights.
    """
    waiting: deque[int] = deque()
    for i, planned in enumerate(passes):
        if planned.error is None and planned.missing:
            waiting.append(i)
        else:
            yield i, planned
    busy = 0
    while waiting:
        i = waiting.popleft()
        # Once around without finding one that is free: wait for this one.
        wait = busy > len(waiting)
        if wait:
            reporter.say(f"waiting for {passes[i].model.requested}: in work elsewhere")
        try:
            done = _fill_locked(passes[i], target, config, store, reporter, wait=wait)
        except Busy:
            waiting.append(i)
            busy += 1
            continue
        busy = 0
        if done.error is not None:
            refuse_alone(done.error, passes)
        yield i, done


def _fill_locked(
    planned: Pass,
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    reporter: Reporter,
    *,
    wait: bool,
) -> Pass:
    try:
        with store.lock(_keys(planned)[0], wait=wait):
            if config.cache != "refresh":
                planned = _with_found(planned, store)
            if not planned.missing:
                return planned
            forwarded = _extract(planned, target, config, store, reporter)
            return _with_found(planned, store, forwarded)
    except (DeviceLostError, Busy):
        raise
    except FeatrankError as error:
        log.debug("%s failed", planned.model.id, exc_info=True)
        failed = failed_pass(planned.model, error)
    except Exception as error:
        # A network's own bug must not take the other models along.
        log.debug("%s failed", planned.model.id, exc_info=True)
        line = next(iter(str(error).splitlines()), "")
        reason = IncompleteError(f"{type(error).__name__}: {line}", "--debug shows where")
        failed = failed_pass(planned.model, reason)
    # Here, where no frame of the failure holds on to its tensors any more.
    _hand_back_memory()
    return failed


def _hand_back_memory() -> None:
    # Nothing of a GPU was used where this is not here.
    if module := sys.modules.get("featrank.extract.device_faults"):
        module.empty_cache()


def _with_found(planned: Pass, store: FeatureStore, forwarded: int = 0) -> Pass:
    """With what is in the store now."""

    def found(candidate: Candidate) -> Candidate:
        if candidate.layer is not None or candidate.key is None:
            return candidate
        layer = store.find(candidate.key) or store.recover(candidate.key)
        return dataclasses.replace(candidate, layer=layer, forwarded=forwarded)

    return dataclasses.replace(
        planned,
        candidates=tuple(found(candidate) for candidate in planned.candidates),
        head=found(planned.head) if planned.head is not None else None,
    )


def _extract(
    planned: Pass,
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    reporter: Reporter,
) -> int:
    """Forward the images whose features are missing; how many."""
    # The first lines of the program that need torch.
    from featrank.extract.device import choose_device, device_name
    from featrank.extract.forward import Backbone, Stopwatch, extract_features
    from featrank.extract.images import default_workers
    from featrank.extract.interrupts import keep_interrupts

    model, keys, weights = planned.model, _keys(planned), planned.candidates[0].weights
    if weights is None:
        raise IncompleteError(f"the weights of {model.id} are not known")
    device = choose_device(config.device)
    loaded = zoo_of(model).load(model, weights)
    misfit = loaded.misfit
    if misfit:
        reporter.warn(f"{model.requested}: what did not fit: {misfit}")
    if not getattr(loaded.network, "num_classes", 0):
        keys = [key for key in keys if key.layer != HEAD_LAYER]
        if not keys:
            return 0
    layers = [key.layer for key in keys]
    backbone = Backbone(loaded.network, keys[0].preprocessing, device, config.precision, layers)
    # The backbone has folded weights of its own.
    del loaded
    made = {"n_params": backbone.n_params, "device": device_name(device)}
    writer = _begin(model, keys, target, config, store, made=made)
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
            "versions": package_versions(),
        }
    )
    return watch.images


def _begin(
    model: ModelRef,
    keys: Sequence[FeatureKey],
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    *,
    made: Mapping[str, Any],
) -> EntryWriter:
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
    return store.begin(keys, facts, table, rows, afresh=config.cache == "refresh")


def _keys(planned: Pass) -> list[FeatureKey]:
    keys = [candidate.key for candidate in planned.missing if candidate.key is not None]
    if not keys:
        raise IncompleteError(f"the weights of {planned.model.id} are not known")
    return keys
