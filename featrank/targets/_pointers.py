"""Pointers in place of the files of a target."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from featrank.errors import InputError
from featrank.storage.named_files import open_regular
from featrank.storage.pointers import POINTER_BYTES, pointer_reason
from featrank.targets._file_names import printable


def refuse_pointer(file: Path) -> None:
    """See that a file is itself; what cannot be read is left to whoever reads it.

    Raises:
        InputError: It stands for another.
    """
    with suppress(OSError, ValueError), open_regular(file) as stream:
        if reason := pointer_reason(stream.read(POINTER_BYTES)):
            raise InputError(f"'{printable(str(file))}' is {reason}")
