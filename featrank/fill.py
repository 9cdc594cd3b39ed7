"""Extract the features that the cache lacks."""

from __future__ import annotations

import dataclasses
import logging
from collections import deque
from collections.abc import Iterator, Sequence

from featrank.cache.key import FeatureKey
from featrank.cache.locks import Busy
from featrank.cache.store import FeatureStore, rows_per_part
from featrank.cache.writer import EntryWriter, Table
from featrank.config import RunConfig
from featrank.errors import FeatrankError, IncompleteError
from featrank.plan import Candidate
from featrank.reporting import Reporter
from featrank.stamp import package_versions
from featrank.targets.target import Target
from featrank.zoos import zoo_of

log = logging.getLogger("featrank")


def fill(
    candidates: Sequence[Candidate],
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    reporter: Reporter,
) -> Iterator[tuple[int, Candidate]]:
    """Each candidate's index with its features in the store, or with what kept them from it.

    What is at hand comes first. A model that another process is extracting is put off until the
    others are done, then waited for; its features are then found, not extracted again.

    Raises:
        InputError: What the user named cannot be used: another architecture's weights, a device
            that is not there.
    """
    waiting: deque[int] = deque()
    for i, candidate in enumerate(candidates):
        if candidate.layer is not None or candidate.error is not None:
            yield i, candidate
        else:
            waiting.append(i)
    busy = 0
    while waiting:
        i = waiting.popleft()
        # Once around without finding one that is free: wait for this one.
        wait = busy > len(waiting)
        if wait:
            reporter.say(f"waiting for {candidates[i].model.requested}: in work elsewhere")
        try:
            done = _fill_locked(candidates[i], target, config, store, reporter, wait=wait)
        except Busy:
            waiting.append(i)
            busy += 1
            continue
        busy = 0
        yield i, done


def _fill_locked(
    candidate: Candidate,
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    reporter: Reporter,
    *,
    wait: bool,
) -> Candidate:
    try:
        with store.lock(_key(candidate), wait=wait):
            if config.cache != "refresh":
                key = _key(candidate)
                layer = store.find(key) or store.recover(key)
                if layer is not None:
                    return dataclasses.replace(candidate, layer=layer)
            return _extract(candidate, target, config, store, reporter)
    except IncompleteError as error:
        return dataclasses.replace(candidate, error=error)
    except (FeatrankError, Busy):
        raise
    except Exception as error:
        # A network's own bug must not take the other models along.
        log.debug("%s failed", candidate.model.id, exc_info=True)
        line = next(iter(str(error).splitlines()), "")
        reason = IncompleteError(f"{type(error).__name__}: {line}", "--debug shows where")
        return dataclasses.replace(candidate, error=reason)


def _extract(
    candidate: Candidate,
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    reporter: Reporter,
) -> Candidate:
    # The first lines of the program that need torch.
    from featrank.extract.device import choose_device, device_name
    from featrank.extract.forward import Backbone, Stopwatch, extract_features
    from featrank.extract.images import default_workers

    model, key, weights = candidate.model, _key(candidate), candidate.weights
    if weights is None:
        raise IncompleteError(f"the weights of {model.id} are not known")
    device = choose_device(config.device)
    network = zoo_of(model).load(model, weights)
    backbone = Backbone(network, key.preprocessing, device, config.precision)
    writer = _begin(candidate, target, config, store, backbone.n_params)
    workers = default_workers() if config.workers is None else config.workers
    watch = Stopwatch()
    with reporter.progress(model.requested, writer.n_missing) as advance:
        for batch in extract_features(backbone, target, writer.spans, config.batch_size, workers):
            writer.add(batch.span, batch.rows, batch.features, batch.skipped, last=batch.last)
            done = len(batch.rows) + len(batch.skipped)
            watch.count(done)
            advance(done)
    writer.finish(
        {
            "device": device_name(device),
            "images_per_second": watch.images_per_second,
            "versions": package_versions(),
        }
    )
    return dataclasses.replace(candidate, layer=store.find(key), forwarded=watch.images)


def _begin(
    candidate: Candidate,
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    n_params: int,
) -> EntryWriter:
    facts = {
        "model": candidate.model.id,
        "target": target.name,
        "split": target.split,
        "class_names": list(target.class_names),
        "n_params": n_params,
    }
    table = Table(
        [sample.digest for sample in target.samples],
        [sample.path for sample in target.samples],
        target.labels,
    )
    rows = config.rows_per_part or rows_per_part(len(target.samples), config.batch_size)
    afresh = config.cache == "refresh"
    return store.begin([_key(candidate)], facts, table, rows, afresh=afresh)


def _key(candidate: Candidate) -> FeatureKey:
    if candidate.key is None:
        raise IncompleteError(f"the weights of {candidate.model.id} are not known")
    return candidate.key
