"""What every zoo offers: names, preprocessing, weights, a loaded network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from featrank.file_hashes import FileHashes
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.zoos.timm_index import TimmIndex

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the zoos share in one run.

    Attributes:
        index: timm's registry, without importing timm where it was indexed before.
        hashes: Content hashes of weight files.
    """

    index: TimmIndex
    hashes: FileHashes

    @classmethod
    def at(cls, directory: Path | None) -> Shelf:
        """With its memory in a directory, or without one."""
        database = directory / "file-hashes.sqlite" if directory else None
        return cls(TimmIndex(directory), FileHashes(database))


@runtime_checkable
class Downloads(Protocol):
    """A zoo whose weights come from elsewhere."""

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """Bytes that would be downloaded; None where that is not known."""
        ...


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

    def load(self, model: ModelRef, weights: Weights) -> nn.Module:
        """The network with these weights, on the CPU, in eval mode, with its classifier.

        Raises:
            InputError: The user's weights do not fit; names the first mismatching tensor.
            IncompleteError: Fetched weights do not.
        """
        ...
