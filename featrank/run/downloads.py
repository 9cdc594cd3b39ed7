"""What a run would download: said before it starts, or fetched ahead of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from featrank.errors import FeatrankError, InputError
from featrank.records import ModelRef
from featrank.zoos import Filters, Shelf, list_cards, resolve_models, zoo_of


@dataclass(frozen=True, slots=True)
class Download:
    """Weights that are not on this machine.

    Attributes:
        model: Whose.
        n_bytes: Their size; None where nobody says.
        error: Why they cannot be had, as far as is known; None where they can.
    """

    model: ModelRef
    n_bytes: int | None
    error: FeatrankError | None = None


def plan_downloads(models: Iterable[ModelRef], shelf: Shelf) -> list[Download]:
    """The models whose weights must be downloaded; asks for no more than sizes."""
    planned = []
    for model in models:
        zoo = zoo_of(model)
        try:
            if zoo.find_weights(model, shelf) is not None:
                continue
        except FeatrankError:
            continue  # on this machine, and not usable: no download would help
        try:
            planned.append(Download(model, zoo.download_size(model, shelf)))
        except FeatrankError as error:
            planned.append(Download(model, None, error))
    return planned


def announce_downloads(models: Iterable[ModelRef], shelf: Shelf) -> list[Download]:
    """Say what will be downloaded, with sizes; nothing where none is missing."""
    planned = plan_downloads(models, shelf)
    wanted = [download for download in planned if download.error is None]
    if wanted:
        total = sum(download.n_bytes or 0 for download in wanted)
        listing = ", ".join(f"{d.model.name} {_size(d.n_bytes)}" for d in wanted)
        noun = "download" if len(wanted) == 1 else "downloads"
        shelf.reporter.say(f"{len(wanted)} {noun}, {_size(total)}: {listing}")
    return planned


def _size(n_bytes: int | None) -> str:
    return "of unknown size" if n_bytes is None else f"{n_bytes / 1e6:.1f} MB"


ON_THIS_MACHINE, DOWNLOADED, MISSED = "on this machine", "downloaded", "failed"


@dataclass(frozen=True, slots=True)
class Prefetched:
    """What became of one model's weights.

    Attributes:
        model: Whose.
        status: on this machine, downloaded or failed.
        path: Where they are.
        error: Why they are not.
    """

    model: ModelRef
    status: str
    path: Path | None = None
    error: FeatrankError | None = None


def prefetch_weights(
    patterns: Sequence[str], filters: Filters | None, limit: int | None, shelf: Shelf
) -> list[Prefetched]:
    """Download the weights that a run with these models would load; sizes are said first.

    Args:
        patterns: As for ``--models``.
        filters: Which of the models that are listed; None for all.
        limit: Only so many.
        shelf: What the zoos share.

    Raises:
        InputError: A name means nothing, or the filters leave none.
    """
    models = resolve_models(patterns, shelf)
    if filters is not None:
        listed = {card.name for card in list_cards(patterns, filters, shelf)}
        models = [m for m in models if {m.name, m.id} & listed]
    models = models[:limit]
    if not models:
        raise InputError("the filters leave no model", "see what there is: featrank models")
    missing = {download.model.id for download in announce_downloads(models, shelf)}
    return [_prefetch(model, shelf, missing=model.id in missing) for model in models]


def _prefetch(model: ModelRef, shelf: Shelf, *, missing: bool) -> Prefetched:
    try:
        weights = zoo_of(model).fetch_weights(model, shelf)
    except FeatrankError as error:
        return Prefetched(model, MISSED, error=error)
    return Prefetched(model, DOWNLOADED if missing else ON_THIS_MACHINE, weights.path)
