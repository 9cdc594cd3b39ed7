"""What the pipeline says while it works; who shows it, and how, is up to the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Reporter(Protocol):
    """Receives talk: never data."""

    def say(self, message: str) -> None:
        """Something worth knowing."""
        ...

    def warn(self, message: str) -> None:
        """Something that may surprise."""
        ...

    def progress(
        self, label: str, total: int, unit: str = "images"
    ) -> AbstractContextManager[Advance]:
        """Long work on ``total`` images or bytes; call what it yields with each number finished."""
        ...


class Silent:
    """Says nothing: for use as a library."""

    def say(self, message: str) -> None:
        """Nothing."""

    def warn(self, message: str) -> None:
        """Nothing."""

    @contextmanager
    def progress(self, label: str, total: int, unit: str = "images") -> Iterator[Advance]:
        """Nothing."""
        yield lambda _: None
