"""What came of a campaign."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Figures:
    """Counts of one campaign.

    Attributes:
        counts: How often each outcome was met.
        faults: What must not be: work lost, numbers wrong, processes left, promises broken.
        seconds: From each signal to the end of everything that it was to end.
        most: The largest value of what is bounded.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    most: dict[str, int] = field(default_factory=dict)

    def count(self, outcome: str) -> None:
        """One more of these."""
        self.counts[outcome] += 1

    def bound(self, name: str, value: int) -> None:
        """Keep the largest."""
        self.most[name] = max(value, self.most.get(name, value))

    def fault(self, text: str) -> None:
        """Keep what must not be, and say it at once."""
        self.faults.append(text)
        print(f"FAULT {text}", flush=True)

    def add(self, other: Figures) -> None:
        """Those of another run of the campaign as well."""
        self.counts += other.counts
        self.faults += other.faults
        self.seconds += other.seconds
        for name, value in other.most.items():
            self.bound(name, value)

    @property
    def document(self) -> dict[str, Any]:
        """The figures as JSON."""
        found: dict[str, Any] = {"faults": self.faults, "counts": dict(sorted(self.counts.items()))}
        if self.most:
            found["most"] = self.most
        if self.seconds:
            ordered = sorted(self.seconds)
            found["seconds"] = {
                "median": round(statistics.median(ordered), 2),
                "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 2),
                "max": round(ordered[-1], 2),
            }
        return found

    def lines(self, campaign: str) -> list[str]:
        """The figures as text, a line an outcome."""
        document = self.document
        lines = [f"{campaign}: {sum(self.counts.values())} cases, {len(self.faults)} faults"]
        lines += [f"  {n:6} {outcome}" for outcome, n in document["counts"].items()]
        lines += [f"  {n:6} at most: {name}" for name, n in self.most.items()]
        if self.seconds:
            lines.append(f"  seconds to the end: {document['seconds']}")
        return lines
