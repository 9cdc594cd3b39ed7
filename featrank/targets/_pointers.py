"""Files that stand for others which a program keeps elsewhere."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from featrank.errors import InputError
from featrank.storage.named_files import open_regular
from featrank.targets._file_names import printable

_POINTERS = (
    (b"version https://git-lfs", "a pointer of git-lfs, not the file: git lfs pull fetches it"),
    (b"/annex/objects/", "a pointer of git-annex, not the file: git annex get fetches it"),
)
POINTER_BYTES = 32


def pointer_reason(start: bytes) -> str:
    """What to do where a file begins like a pointer; empty where it does not."""
    return next((reason for mark, reason in _POINTERS if start.startswith(mark)), "")


def refuse_pointer(file: Path) -> None:
    """See that a file is itself; what cannot be read is left to whoever reads it.

    Raises:
        InputError: It stands for another.
    """
    with suppress(OSError, ValueError), open_regular(file) as stream:
        if reason := pointer_reason(stream.read(POINTER_BYTES)):
            raise InputError(f"'{printable(str(file))}' is {reason}")
