"""What every zoo offers: names, preprocessing, weights, a loaded network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from featrank.records import ModelRef, Preprocessing, Weights
from featrank.reporting import Reporter, Silent
from featrank.storage.file_hashes import FileHashes
from featrank.zoos._state_dicts import Misfit
from featrank.zoos._timm_index import TimmIndex
from featrank.zoos._torchvision_index import TorchvisionIndex

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the zoos share in one run.

    Attributes:
        index: timm's registry, without importing timm where it was indexed before.
        hashes: Content hashes of weight files.
        torchvision: torchvision's registry, likewise.
        allow_partial: Whether a checkpoint may lack more than the head.
        reporter: Told of downloads.
    """

    index: TimmIndex
    hashes: FileHashes
    torchvision: TorchvisionIndex = field(default_factory=lambda: TorchvisionIndex(None))
    allow_partial: bool = False
    reporter: Reporter = field(default_factory=Silent)

    @classmethod
    def at(
        cls,
        directory: Path | None,
        *,
        allow_partial: bool = False,
        reporter: Reporter | None = None,
    ) -> Shelf:
        """With its memory in a directory, or without one."""
        database = directory / "file-hashes.sqlite" if directory else None
        return cls(
            TimmIndex(directory),
            FileHashes(database),
            TorchvisionIndex(directory),
            allow_partial,
            reporter or Silent(),
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network with its weights.

    Attributes:
        network: On the CPU, in eval mode, with its classifier.
        misfit: What of a checkpoint did not fit.
    """

    network: nn.Module
    misfit: Misfit = field(default_factory=Misfit)


class Zoo(Protocol):
    """One place models come from; a file of this folder declares one as ``ZOO``.

    Only :meth:`load` may import torch or timm: a run whose features are cached calls the others.
    """

    @property
    def name(self) -> str: ...

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """The models that a name or wildcard (without the ``zoo:`` prefix) means; [] for none."""
        ...

    def names(self, shelf: Shelf) -> list[str]:
        """What it offers, for "did you mean"."""
        ...

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """How images become this model's input."""
        ...

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights | None:
        """The weights where they are already here, without the network; None where they are not.

        Raises:
            InputError: The weights can never be had so (no such file, not a checkpoint).
            IncompleteError: They are here and damaged; the hint says what to delete.
        """
        ...

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The weights, downloaded where they are not here.

        Raises:
            IncompleteError: Out of reach; the hint names the ways out.
        """
        ...

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """Bytes that :meth:`fetch_weights` would download; None where that is not known.

        Raises:
            FeatrankError: As :meth:`fetch_weights`.
        """
        ...

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network with these weights.

        Raises:
            InputError: The user's weights do not fit; names the first mismatching tensor.
            IncompleteError: Fetched weights do not.
        """
        ...
