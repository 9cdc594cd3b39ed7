"""What takes seconds to make and milliseconds to read: made once, kept as sealed JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from featrank.storage.contained import ClaimError, contained
from featrank.storage.damage import put_away
from featrank.storage.kept_json import read_perhaps_sealed, typed, write_kept

T = TypeVar("T")


def kept_or_made(
    directory: Path | None,
    file: str,
    key: Mapping[str, Any],
    shape: type[T],
    make: Callable[[], T],
) -> T:
    """What a file in a directory holds; where it does not, it is made, and kept there.

    A damaged file is set aside, and that is said; one of an older release is replaced.

    Args:
        directory: Where it is kept; None keeps nothing.
        file: The file below it.
        key: All that decides the content, a number for its format among it; JSON.
        shape: What it holds, of dataclasses; never nothing.
        make: Makes it.
    """
    if directory is None:
        return make()
    path = directory / file
    kept = _read(directory, path, key, shape)
    if kept is not None:
        return kept
    made = make()
    # The file only saves time: a read-only directory must not stop a run.
    with suppress(OSError, ClaimError):
        document = {"key": key, "content": msgspec.to_builtins(made)}
        write_kept(contained(directory, path), document)
    return made


def _read(directory: Path, path: Path, key: Mapping[str, Any], shape: type[T]) -> T | None:
    try:
        document, sealed = read_perhaps_sealed(directory, path)
        if not sealed or document.get("key") != key:
            return None
        content = document.get("content")
        if not content:
            raise ClaimError("is empty, which no such file is")
        return typed(content, shape)
    except OSError:
        return None
    except ClaimError as error:
        put_away(directory, path, error)
        return None
