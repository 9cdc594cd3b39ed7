"""Readers of images that are kept as files, or as the bytes of files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from featrank.targets._decode import to_rgb
from featrank.targets._target import Sample
from featrank.targets._value_range import Reading

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class FileReader(ABC):
    """From a sample to its image; can be sent to worker processes.

    Attributes:
        reading: How samples of more than 8 bits are read.
    """

    reading: Reading = field(default_factory=Reading, kw_only=True)

    @abstractmethod
    def head(self, sample: Sample) -> bytes:
        """Its file's first bytes; empty where they cannot be read."""

    @abstractmethod
    def encoded(self, sample: Sample) -> bytes:
        """Its file's bytes, if they are still those that were listed.

        Raises:
            IncompleteError: They cannot be read, or have changed.
        """

    def __call__(self, sample: Sample) -> Image.Image:
        """Decode it.

        Raises:
            UnreadableImage: It cannot be decoded.
            IncompleteError: It cannot be read, or has changed.
        """
        return to_rgb(self.encoded(sample), self.reading)
