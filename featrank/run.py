"""A run: models resolved, target listed, features planned, then filled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from featrank.cache.store import FeatureStore
from featrank.config import RunConfig
from featrank.errors import InputError
from featrank.file_hashes import FileHashes
from featrank.fill import fill
from featrank.plan import Candidate, plan_candidates
from featrank.records import Skipped
from featrank.reporting import Reporter
from featrank.targets import open_target
from featrank.targets.target import Target
from featrank.zoos import resolve_models
from featrank.zoos.zoo import Shelf


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose models are resolved and planned."""

    config: RunConfig
    store: FeatureStore
    target: Target
    candidates: Sequence[Candidate]

    def fill(self, reporter: Reporter) -> Iterator[tuple[int, Candidate]]:
        """Each candidate's index, and the candidate with its features or its failure.

        Raises:
            InputError: The target turns out to have nothing that can be ranked on.
        """
        for i, candidate in fill(self.candidates, self.target, self.config, self.store, reporter):
            _check_usable(candidate, self.config)
            yield i, candidate


@contextmanager
def open_run(config: RunConfig, reporter: Reporter) -> Iterator[Run]:
    """Resolve the models, list the target, look what is cached.

    Raises:
        InputError: Asked wrongly: nothing was done.
    """
    with open_cache(config, reporter) as (store, shelf):
        models = resolve_models(config.models, shelf)
        for model in models:
            reporter.say(f"{model.requested} → {model.id}{model.note and f' ({model.note})'}")
        target = open_target(config.dataset, config.selection, shelf.hashes)
        _refuse_skipped(target.skipped, config)
        candidates = plan_candidates(models, target, config, store, shelf)
        _announce(candidates, target, reporter)
        yield Run(config, store, target, candidates)


@contextmanager
def open_cache(config: RunConfig, reporter: Reporter) -> Iterator[tuple[FeatureStore, Shelf]]:
    """The store, and what the zoos remember; the store is gone afterwards with ``--cache off``."""
    shelf = Shelf.at(config.cache_dir)
    with ExitStack() as stack:
        if config.cache_dir is None or config.cache == "off":
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="featrank-")))
            store = FeatureStore(root, FileHashes(), reporter.warn)
        else:
            store = FeatureStore(config.cache_dir, shelf.hashes, reporter.warn)
        stack.callback(store.lease.close)
        yield store, shelf


def _announce(candidates: Sequence[Candidate], target: Target, reporter: Reporter) -> None:
    missing = sum(c.layer is None and c.error is None for c in candidates)
    cached = sum(c.layer is not None for c in candidates)
    reporter.say(
        f"plan: {len(target.samples)} images × {len(candidates)} models:"
        f" {cached} cached, {missing} to extract, {len(candidates) - cached - missing} failed"
    )


def _refuse_skipped(skipped: Sequence[Skipped], config: RunConfig) -> None:
    if skipped and config.strict:
        first = skipped[0]
        raise InputError(
            f"--strict: {len(skipped)} unusable images, first {first.path}: {first.reason}",
            "mend or remove them, or run without --strict",
        )


def _check_usable(candidate: Candidate, config: RunConfig) -> None:
    """Stop where decoding showed that the target itself cannot be ranked on."""
    if candidate.layer is None:
        return
    manifest = candidate.layer.manifest
    _refuse_skipped(manifest.skipped, config)
    if len(manifest.class_counts) < 2:
        first = manifest.skipped[0] if manifest.skipped else None
        found = "no readable image" if not manifest.class_counts else "images of one class only"
        raise InputError(
            f"{found} in '{manifest.target}'" + (f"; {first.path}: {first.reason}" if first else "")
        )
