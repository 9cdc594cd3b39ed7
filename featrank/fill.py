"""Extract the features that the cache lacks, one candidate at a time."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

from featrank.cache.key import FeatureKey
from featrank.cache.store import FeatureStore, rows_per_part
from featrank.cache.writer import EntryWriter, Table
from featrank.config import RunConfig
from featrank.errors import FeatrankError, IncompleteError
from featrank.layers import HEAD_LAYER
from featrank.plan import Candidate, Pass
from featrank.records import ModelRef
from featrank.reporting import Reporter
from featrank.stamp import package_versions
from featrank.targets.target import Target
from featrank.zoos import zoo_of

log = logging.getLogger("featrank")


def fill(
    planned: Pass,
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    reporter: Reporter,
) -> Pass:
    """The model with all its layers in the store, or with what kept them from it.

    Raises:
        InputError: What the user named cannot be used: another architecture's weights, a device
            that is not there.
    """
    if planned.error is not None or not planned.missing:
        return planned
    try:
        _extract(planned, target, config, store, reporter)
    except IncompleteError as error:
        return Pass((Candidate(planned.model, error=error),))
    except FeatrankError:
        raise
    except Exception as error:
        # A network's own bug must not take the other models along.
        log.debug("%s failed", planned.model.id, exc_info=True)
        line = next(iter(str(error).splitlines()), "")
        reason = IncompleteError(f"{type(error).__name__}: {line}", "--debug shows where")
        return Pass((Candidate(planned.model, error=reason),))
    return _with_found(planned, store)


def _with_found(planned: Pass, store: FeatureStore) -> Pass:
    """With what is in the store now."""

    def found(candidate: Candidate) -> Candidate:
        if candidate.layer is not None or candidate.key is None:
            return candidate
        return dataclasses.replace(candidate, layer=store.find(candidate.key), fresh=True)

    head = found(planned.head) if planned.head is not None else None
    return dataclasses.replace(
        planned, candidates=tuple(found(candidate) for candidate in planned.candidates), head=head
    )


def _extract(
    planned: Pass,
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    reporter: Reporter,
) -> None:
    # The first line of the program that needs torch.
    from featrank.extract.device import choose_device, device_name
    from featrank.extract.forward import Backbone, Stopwatch, extract_features
    from featrank.extract.images import default_workers

    model, weights = planned.model, planned.candidates[0].weights
    keys = [candidate.key for candidate in planned.missing if candidate.key is not None]
    if not keys or weights is None:
        raise IncompleteError(f"the weights of {model.id} are not known")
    device = choose_device(config.device)
    network = zoo_of(model).load(model, weights)
    if not getattr(network, "num_classes", 0):
        keys = [key for key in keys if key.layer != HEAD_LAYER]
        if not keys:
            return
    layers = [key.layer for key in keys]
    backbone = Backbone(network, keys[0].preprocessing, device, config.precision, layers)
    writer = _begin(model, keys, target, config, store, n_params=backbone.n_params)
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


def _begin(
    model: ModelRef,
    keys: Sequence[FeatureKey],
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    *,
    n_params: int,
) -> EntryWriter:
    facts = {
        "model": model.id,
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
    return store.begin(keys, facts, table, rows, afresh=config.cache == "refresh")
