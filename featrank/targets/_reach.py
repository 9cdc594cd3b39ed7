"""Reading that fails for a moment: a share that drops out is no damaged image.

What cannot be decoded is skipped, and the cache remembers that for good. What cannot be read, or
is no longer what was listed, says nothing about the image: the model stays incomplete.
"""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from featrank.errors import IncompleteError
from featrank.storage.file_hashes import FileHashes

T = TypeVar("T")

_PAUSES_S = (0.1, 0.4)
# What the place says, not the file: the same read may work in a minute.
_NAMES = """
    EIO ESTALE ETIMEDOUT ENOTCONN EHOSTDOWN EHOSTUNREACH ENETDOWN ENETUNREACH ECONNRESET
    ECONNREFUSED ECONNABORTED ENODEV ENXIO EREMOTEIO ENOLINK EAGAIN EINTR EBUSY EMFILE ENFILE
    ENOMEM
"""
_OF_THE_PLACE = frozenset(getattr(errno, name) for name in _NAMES.split() if hasattr(errno, name))


def retried(read: Callable[[], T]) -> T:
    """What ``read`` returns, tried again after short pauses.

    Raises:
        OSError: The last attempt's.
    """
    for pause in _PAUSES_S:
        try:
            return read()
        except OSError:
            time.sleep(pause)
    return read()


def read_listed(read: Callable[[], bytes], path: str, digest: str) -> bytes:
    """The bytes of an image that was listed.

    Args:
        read: Reads them.
        path: The image's, for messages.
        digest: SHA-256 that they had.

    Raises:
        IncompleteError: They cannot be read, or are others by now.
    """
    try:
        data = retried(read)
    except OSError as error:
        raise out_of_reach(path, error) from None
    # Features go into the cache under this hash: they must not come from other bytes.
    if hashlib.sha256(data).hexdigest() != digest:
        raise changed(path)
    return data


def out_of_reach(path: str, error: OSError) -> IncompleteError:
    """For an image that cannot be read now."""
    return IncompleteError(
        f"cannot read '{path}': {error.strerror or error}",
        "when it can be read, run the same command again: what is finished is kept",
    )


def changed(path: str) -> IncompleteError:
    """For an image whose content is another one by now."""
    return IncompleteError(
        f"'{path}' changed since it was listed",
        "run the same command again: it lists the images anew",
    )


def hash_listed(hashes: FileHashes, files: Iterable[Path]) -> dict[Path, str | OSError]:
    """SHA-256 of each file, or the error that reading it gave each time."""
    results = hashes.get_many(files)
    for pause in _PAUSES_S:  # once for all: a folder without permission may hold thousands
        failed = [file for file, result in results.items() if isinstance(result, OSError)]
        if failed:
            time.sleep(pause)
            results.update(hashes.get_many(failed))
    return results


def refuse_unreachable(path: str, error: OSError, root: Path | None = None) -> None:
    """While listing: let pass what is the file's own fault, which is skipped with its reason.

    Args:
        path: The file, for messages.
        error: What reading it gave.
        root: The folder that everything is in, if it is in one.

    Raises:
        IncompleteError: The place is out of reach: without its images it is another target.
    """
    if error.errno in _OF_THE_PLACE or not (root is None or root.is_dir()):
        raise out_of_reach(path, error)
