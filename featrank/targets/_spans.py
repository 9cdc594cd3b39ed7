"""Images that lie inside larger files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from featrank.targets._decode import to_rgb
from featrank.targets._reach import read_listed
from featrank.targets._target import Sample

if TYPE_CHECKING:
    from PIL import Image

# An encoded image is read as a whole; no picture that is decoded needs more.
MAX_ENCODED_BYTES = 1 << 29


class Content(Protocol):
    """The bytes of an encoded image, wherever they lie; can be sent to worker processes."""

    def read(self) -> bytes:
        """All of them.

        Raises:
            OSError: They cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """Where an encoded image lies."""

    file: Path
    offset: int
    length: int

    def read(self) -> bytes:
        """The bytes there; fewer where the file ends early."""
        with self.file.open("rb") as stream:
            stream.seek(self.offset)
            return stream.read(self.length)


@dataclass(frozen=True)
class SpanReader:
    """Reads images out of larger files.

    Attributes:
        spans: Where each content is, by its digest.
    """

    spans: Mapping[str, Content]

    def __call__(self, sample: Sample) -> Image.Image:
        """Decode it, if it is still what was listed.

        Raises:
            UnreadableImage: It cannot be decoded.
            IncompleteError: It cannot be read, or has changed.
        """
        span = self.spans[sample.digest]
        return to_rgb(read_listed(span.read, sample.path, sample.digest))
