"""How what was typed becomes a value."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from featrank.errors import InputError
from featrank.storage.named_files import read_named

_LONGEST_LIST = 1 << 24


def split_list(values: Iterable[str]) -> tuple[str, ...]:
    """Comma-separated and repeated values as one list."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def model_names(values: Iterable[str]) -> tuple[str, ...]:
    """Names of models, with those that ``@FILE`` or ``@-`` lists in its place.

    A list has a name a line; what follows a ``#`` after a space or at the start is a comment.

    Raises:
        InputError: No such list.
    """
    names: list[str] = []
    for value in values:
        if not value.startswith("@"):
            names.append(value)
            continue
        try:
            text = _list_at(value[1:])
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise InputError(
                f"--models {value}: {reason}", "name a file with a name a line"
            ) from error
        lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
        names += filter(None, lines)
    return tuple(names)


def _list_at(name: str) -> str:
    """The text of a file, or of stdin for ``-``.

    Raises:
        OSError: It cannot be read, or is too long.
        UnicodeDecodeError: It is no text.
    """
    if name != "-":
        return read_named(Path(name).expanduser(), _LONGEST_LIST).decode("utf-8-sig")
    text = sys.stdin.read(_LONGEST_LIST + 1)
    if len(text) > _LONGEST_LIST:
        raise OSError(errno.EFBIG, f"longer than {_LONGEST_LIST:,} characters")
    return text


def cache_directory(given: Path | None) -> Path:
    """The cache: as given by flag or environment, else the user's cache folder."""
    if given is not None:
        return given.expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("featrank", appauthor=False)


def either(words: Sequence[str]) -> str:
    """Words as a sentence lists them: a, b or c."""
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
