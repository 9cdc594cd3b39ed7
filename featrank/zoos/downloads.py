"""What a run would download, said before it starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from featrank.errors import FeatrankError
from featrank.records import ModelRef
from featrank.zoos import zoo_of
from featrank.zoos.zoo import Shelf


@dataclass(frozen=True, slots=True)
class Download:
    """Weights that are not here.

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
            continue  # here, and not usable: no download would help
        try:
            planned.append(Download(model, zoo.download_size(model, shelf)))
        except FeatrankError as error:
            planned.append(Download(model, None, error))
    return planned


def announce_downloads(models: Iterable[ModelRef], shelf: Shelf) -> list[Download]:
    """Say what will be downloaded, with sizes; nothing where all is here."""
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
