"""A reporter that keeps what it is told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from featrank.reporting import Advance, Silent


class Told(Silent):
    """Keeps lines, warnings, and the passes that were begun with how long they are.

    Args:
        then: Called with every line.
    """

    def __init__(self, then: Callable[[str], object] = lambda _: None) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self.passes: list[tuple[str, int]] = []
        self._then = then

    def say(self, message: str) -> None:
        self.lines.append(message)
        self._then(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def progress(
        self, label: str, total: int, unit: str = "images"
    ) -> AbstractContextManager[Advance]:
        self.passes.append((label, total))
        return super().progress(label, total, unit)
