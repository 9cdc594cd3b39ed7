"""A reporter that keeps what it is told."""

from __future__ import annotations

from collections.abc import Callable

from featrank.reporting import Silent


class Told(Silent):
    """Keeps lines and warnings.

    Args:
        then: Called with every line.
    """

    def __init__(self, then: Callable[[str], object] = lambda _: None) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []
        self._then = then

    def say(self, message: str) -> None:
        self.lines.append(message)
        self._then(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)
