"""Where the seconds went."""

from __future__ import annotations

import time


class Stopwatch:
    """Adds up laps by name."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self._seconds: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Count the time since the last lap towards that name."""
        now = time.monotonic()
        self._seconds[name] = self._seconds.get(name, 0.0) + now - self._last
        self._last = now

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by name, and the total so far."""
        return {**self._seconds, "total": time.monotonic() - self._started}
