"""Images that lie inside larger files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from featrank.targets._file_reader import FileReader
from featrank.targets._plugin_formats import HEAD_BYTES
from featrank.targets._reach import read_listed
from featrank.targets._target import Sample

# The first bytes of a file of 8 bits a sample.
USUAL_HEAD = b"P6"

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
        return self.head(self.length)

    def head(self, length: int) -> bytes:
        """The first bytes there."""
        with self.file.open("rb") as stream:
            stream.seek(self.offset)
            return stream.read(min(length, self.length))


@dataclass(frozen=True)
class SpanReader(FileReader):
    """Reads images out of larger files.

    Attributes:
        spans: Where each content is, by its digest.
        heads: First bytes of contents, where these are not in place yet; what has none here is
            usual. None where they are in place.
    """

    spans: Mapping[str, Content]
    heads: Mapping[str, bytes] | None = None

    def head(self, sample: Sample) -> bytes:
        """Its first bytes; empty where they cannot be read."""
        if self.heads is not None:
            return self.heads.get(sample.digest, USUAL_HEAD)
        content = self.spans[sample.digest]
        try:
            if isinstance(content, Span):
                return content.head(HEAD_BYTES)
            return content.read()[:HEAD_BYTES]
        except OSError:
            return b""

    def encoded(self, sample: Sample) -> bytes:
        """Its bytes, if they are still what was listed.

        Raises:
            IncompleteError: They cannot be read, or have changed.
        """
        span = self.spans[sample.digest]
        return read_listed(span.read, sample.path, sample.digest)
