"""Images that lie inside larger files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from featrank.targets.decode import to_rgb
from featrank.targets.target import Sample, UnreadableImage

if TYPE_CHECKING:
    from PIL import Image

# An encoded image is read as a whole; no picture that is decoded needs more.
MAX_ENCODED_BYTES = 1 << 29


@dataclass(frozen=True, slots=True)
class Span:
    """Where an encoded image lies."""

    file: Path
    offset: int
    length: int


@dataclass(frozen=True)
class SpanReader:
    """Reads images out of larger files.

    Attributes:
        spans: Where each content is, by its digest.
    """

    spans: Mapping[str, Span]

    def __call__(self, sample: Sample) -> Image.Image:
        """Decode it, if it is still what was listed.

        Raises:
            UnreadableImage: It cannot be read or decoded, or has changed.
        """
        span = self.spans[sample.digest]
        try:
            with span.file.open("rb") as stream:
                stream.seek(span.offset)
                data = stream.read(span.length)
        except OSError as error:
            raise UnreadableImage(f"cannot be opened: {error.strerror}") from None
        # Features go into the cache under this hash: they must not come from other bytes.
        if hashlib.sha256(data).hexdigest() != sample.digest:
            raise UnreadableImage("changed since it was listed")
        return to_rgb(data)
