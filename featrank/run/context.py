"""A run: models resolved, target listed, features planned, then filled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from featrank.cache.store import FeatureStore
from featrank.config import RunConfig
from featrank.errors import InputError
from featrank.records import Skipped
from featrank.reporting import Reporter
from featrank.run.downloads import announce_downloads
from featrank.run.extract_missing import fill
from featrank.run.plan import Candidate, Pass, plan_passes
from featrank.storage.file_hashes import FileHashes
from featrank.storage.temporary import TemporaryFolder
from featrank.targets import Target, open_target
from featrank.zoos import Shelf, resolve_models


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose models are resolved and planned.

    Attributes:
        config: What was asked for.
        store: The cache.
        target: The images.
        passes: The models of this shard.
        candidates: The ids of the models of all shards.
        shelf: What the zoos remember.
    """

    config: RunConfig
    store: FeatureStore
    target: Target
    passes: Sequence[Pass]
    candidates: tuple[str, ...]
    shelf: Shelf

    @property
    def n_at_hand(self) -> int:
        """How many models need no forward pass; they are filled first."""
        return sum(planned.error is not None or not planned.missing for planned in self.passes)

    def fill(self, reporter: Reporter) -> Iterator[tuple[int, Pass]]:
        """Each model's index, and the model with its features or its failure.

        Raises:
            InputError: The target turns out to have nothing that can be ranked on.
        """
        for i, done in fill(self.passes, self.target, self.config, self.store, reporter):
            _check_usable(done.candidates[0], self.config)
            yield i, done


@contextmanager
def open_run(
    config: RunConfig, reporter: Reporter, *, needs_head: bool = False, fetch: bool = True
) -> Iterator[Run]:
    """Resolve the models, list the target, look what is cached.

    Args:
        config: What was asked for.
        reporter: Told of it.
        needs_head: Whether the classifier's probabilities are needed.
        fetch: Whether weights that are not here are downloaded.

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
        target = open_target(config.dataset, config.selection, shelf.hashes, config.root)
        for warning in target.all_warnings:
            reporter.warn(warning)
        n_offered = sum((target.offered or target.class_counts).values())
        _refuse_skipped(target.skipped, n_offered + len(target.skipped), config)
        if fetch and config.cache != "only":
            announce_downloads(models, shelf)
        passes = plan_passes(
            models, target, config, store, shelf, needs_head=needs_head, fetch=fetch
        )
        _announce(passes, target, reporter)
        yield Run(config, store, target, passes, tuple(model.id for model in candidates), shelf)


@contextmanager
def open_cache(config: RunConfig, reporter: Reporter) -> Iterator[tuple[FeatureStore, Shelf]]:
    """The store, and what the zoos remember; the store is gone afterwards with ``--cache off``."""
    shelf = Shelf.at(config.cache_dir, allow_partial=config.allow_partial, reporter=reporter)
    with ExitStack() as stack:
        if config.cache_dir is None or config.cache == "off":
            root = stack.enter_context(TemporaryFolder())
            store = FeatureStore(root, FileHashes(), reporter.warn)
        else:
            store = FeatureStore(config.cache_dir, shelf.hashes, reporter.warn)
        stack.callback(store.lease.close)
        yield store, shelf


def _announce(passes: Sequence[Pass], target: Target, reporter: Reporter) -> None:
    failed = sum(planned.error is not None for planned in passes)
    missing = sum(planned.error is None and bool(planned.missing) for planned in passes)
    layers = sum(len(planned.candidates) for planned in passes if planned.error is None)
    of_layers = f" ({layers} layers)" if layers > len(passes) else ""
    reporter.say(
        f"plan: {len(target.samples)} images × {len(passes)} models{of_layers}:"
        f" {len(passes) - missing - failed} cached, {missing} to extract, {failed} failed"
    )


# More unusable images than this share point at a mistake, not at a few broken files.
_MAX_SKIPPED = 0.05


def _refuse_skipped(skipped: Sequence[Skipped], n_images: int, config: RunConfig) -> None:
    """Stop where images are unusable: any with --strict, many unless that is allowed."""
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
    _refuse_skipped(manifest.skipped, manifest.n_rows + len(manifest.skipped), config)
