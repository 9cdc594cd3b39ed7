"""What a run works with: its models, its images, its cache, and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from featrank.cache.store import FeatureStore
from featrank.config import RunConfig
from featrank.errors import InputError
from featrank.records import ModelRef, Skipped
from featrank.reporting import Reporter
from featrank.stamp import make_stamp
from featrank.storage.file_hashes import FileHashes
from featrank.storage.temporary import TemporaryFolder
from featrank.targets import NO_DAMAGE, Target, open_target
from featrank.zoos import Shelf, resolve_models


@dataclass(frozen=True)
class RunContext:
    """A run whose names are resolved.

    Attributes:
        config: What was asked for.
        models: The models of this shard.
        candidates: The ids of the models of all shards.
        target: The images.
        store: The cache.
        shelf: What the zoos remember.
        reporter: Told of it.
    """

    config: RunConfig
    models: Sequence[ModelRef]
    candidates: tuple[str, ...]
    target: Target
    store: FeatureStore
    shelf: Shelf
    reporter: Reporter

    @cached_property
    def stamp(self) -> dict[str, Any]:
        """What produces the result, as of its first use."""
        return make_stamp(self.config.stamp_facts(self.target.fingerprint))


@contextmanager
def resolve(config: RunConfig, reporter: Reporter, *, fetch: bool = True) -> Iterator[RunContext]:
    """Find the models and the images that a configuration names, and open the cache.

    Args:
        config: What was asked for.
        reporter: Told of it.
        fetch: Whether the run may need a device: it is then refused here where it is not there.

    Raises:
        InputError: Asked wrongly: nothing was done.
    """
    if config.device not in ("auto", "cpu") and fetch and config.cache != "only":
        # Before anything is downloaded, and before torch is needed for anything else.
        from featrank.extract.device import choose_device

        choose_device(config.device)
    with open_cache(config, reporter) as (store, shelf):
        candidates = resolve_models(config.models, shelf)
        models = config.own_share(candidates)
        for model in models:
            reporter.say(f"{model.requested} → {model.id}{model.note and f' ({model.note})'}")
        target = open_target(config.dataset, config.selection, shelf.hashes, config.listing)
        for warning in target.all_warnings:
            reporter.warn(warning)
        n_offered = sum((target.offered or target.class_counts).values())
        refuse_skipped(target.skipped, n_offered + len(target.skipped), config)
        ids = tuple(model.id for model in candidates)
        yield RunContext(config, models, ids, target, store, shelf, reporter)


@contextmanager
def open_cache(config: RunConfig, reporter: Reporter) -> Iterator[tuple[FeatureStore, Shelf]]:
    """The store, and what the zoos remember; the store is gone afterwards with ``--cache off``."""
    shelf = Shelf.at(
        config.cache_dir,
        allow_partial=config.allow_partial,
        checkpoint_key=config.checkpoint_key or "",
        as_trained=config.as_trained,
        reporter=reporter,
    )
    with ExitStack() as stack:
        if config.cache_dir is None or config.cache == "off":
            root = stack.enter_context(TemporaryFolder())
            store = FeatureStore(root, FileHashes(), reporter.warn)
        else:
            store = FeatureStore(config.cache_dir, shelf.hashes, reporter.warn)
        stack.callback(store.lease.close)
        yield store, shelf


# More unusable images than this share point at a mistake, not at a few broken files.
_MAX_SKIPPED = 0.05


def refuse_skipped(skipped: Sequence[Skipped], n_images: int, config: RunConfig) -> None:
    """Stop where images are unusable: any with --strict, many unless that is allowed."""
    if not config.strict:
        skipped = [item for item in skipped if item.reason not in NO_DAMAGE]
    if not skipped:
        return
    first = f"first {skipped[0].path}: {skipped[0].reason}"
    if config.strict:
        raise InputError(
            f"--strict: {len(skipped)} unusable images, {first}",
            "mend or remove them, or run without --strict",
        )
    if len(skipped) > _MAX_SKIPPED * n_images and not config.allow_skipped:
        raise InputError(
            f"{len(skipped)} of {n_images} images are unusable, more than {_MAX_SKIPPED:.0%};"
            f" {first}",
            "mend or remove them, or run with --allow-skipped",
        )
