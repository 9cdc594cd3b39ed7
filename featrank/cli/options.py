"""How option values are read, the same in every command."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def split_list(values: Iterable[str]) -> tuple[str, ...]:
    """Comma-separated and repeated values as one list."""
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def cache_directory(given: Path | None) -> Path:
    """The cache: as given by flag or environment, else the user's cache folder."""
    if given is not None:
        return given.expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("featrank", appauthor=False)
