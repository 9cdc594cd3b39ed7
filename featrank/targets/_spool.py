"""A temporary copy of images that cannot be read one by one where they lie.

Rows of compressed pages and members of compressed archives come in order only. They are copied
when the first image is about to be read: a run from the cache never copies any.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from featrank.errors import IncompleteError
from featrank.storage.temporary import TemporaryFolder
from featrank.targets._spans import Span
from featrank.targets._target import Sample


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Spool:
    """A file that images are copied to; it lasts as long as this object.

    Args:
        contents: Goes through all images, in the order of the source.
        digest: The content hash that samples have.

    Attributes:
        spans: Where each content belongs, by its digest.
    """

    def __init__(
        self, contents: Callable[[], Iterator[bytes]], digest: Callable[[bytes], str] = _sha256
    ) -> None:
        self._contents = contents
        self._digest = digest
        self._folder = TemporaryFolder()
        self._n_bytes = 0
        self.spans: dict[str, Span] = {}

    def place(self, digest: str, length: int) -> Span:
        """Where an image will lie; the same place for the same content."""
        if digest not in self.spans:
            self.spans[digest] = Span(self._folder.path / "images", self._n_bytes, length)
            self._n_bytes += length
        return self.spans[digest]

    def fill(self, samples: Sequence[Sample]) -> None:
        """Copy the images of these samples.

        Raises:
            IncompleteError: There is no room for them.
            InputError: The source cannot be read any more.
        """
        missing = {sample.digest for sample in samples} & self.spans.keys()
        if not missing:
            return
        self._refuse_without_room(sum(self.spans[digest].length for digest in missing))
        path = self._folder.path / "images"
        path.touch()
        with path.open("r+b") as stream:
            for data in self._contents():
                digest = self._digest(data)
                if digest in missing:
                    missing.remove(digest)
                    stream.seek(self.spans[digest].offset)
                    stream.write(data)
                    if not missing:
                        return

    def _refuse_without_room(self, needed: int) -> None:
        folder: Path = self._folder.path.parent
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise IncompleteError(
                f"the images are copied to {folder}, and need {needed:,} bytes there of which"
                f" {free:,} are free",
                "name a larger folder: TMPDIR=DIR; or unpack the images and name their folder",
            )
