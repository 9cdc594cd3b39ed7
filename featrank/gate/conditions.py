"""What a gate demands, as typed and as meant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from featrank.errors import InputError
from featrank.registry import did_you_mean

# What never passes unless it is allowed by name: the kind, and the exit code it ends in.
REFUSALS = {
    "missing-baseline": 2,
    "other-target": 2,
    "other-metrics": 2,
    "other-precision": 2,
    "partial": 3,
    "failed": 3,
    "missing-row": 3,
}


@dataclass(frozen=True, slots=True)
class MaxDrop:
    """By how much a metric may be worse than in the baseline.

    Attributes:
        metric: The metric.
        amount: How much: a share of the baseline's score, or a difference.
        relative: Whether it is a share.
    """

    metric: str
    amount: float
    relative: bool

    def __str__(self) -> str:
        return f"{self.metric}:{self.amount:.4g}" if not self.relative else self._percent

    @property
    def _percent(self) -> str:
        return f"{self.metric}:{100 * self.amount:.4g}%"


@dataclass(frozen=True, slots=True)
class FailUnder:
    """How good the best model must be at least."""

    metric: str
    threshold: float

    def __str__(self) -> str:
        return f"{self.metric}={self.threshold:.6g}"


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that a gate demands.

    Attributes:
        max_drop: No model of the baseline, and not the best one, is worse by more.
        fail_under: The best model's score.
        expect_top: The model that must be first.
        within_top: A model and the worst rank it may have.
        min_tau: The least agreement of the order with the baseline's.
        beats: A candidate and the model that it must be better than.
        beats_by: The metric that decides; None for the ranking itself.
        allow: Kinds of :data:`REFUSALS` that do not keep it from passing.

    Raises:
        InputError: Nothing is demanded, or something that cannot be.
    """

    max_drop: tuple[MaxDrop, ...] = ()
    fail_under: tuple[FailUnder, ...] = ()
    expect_top: str | None = None
    within_top: tuple[int, str] | None = None
    min_tau: float | None = None
    beats: tuple[str, str] | None = None
    beats_by: str | None = None
    allow: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        demands = (self.max_drop, self.fail_under, self.expect_top, self.within_top, self.beats)
        if not any(demands) and self.min_tau is None:
            raise InputError(
                "nothing to judge",
                "demand something: --fail-under gda=0.8, --expect-top NAME, or --baseline"
                " base.json with --max-drop gda:2%",
            )
        for kind in self.allow:
            if kind not in REFUSALS:
                known = f"known: {', '.join(REFUSALS)}"
                raise InputError(f"--allow {kind}: unknown", did_you_mean(kind, REFUSALS, known))
        if self.min_tau is not None and not -1 <= self.min_tau <= 1:
            raise InputError(f"--min-tau {self.min_tau} is not between -1 and 1", "try 0.8")
        if self.within_top is not None and self.within_top[0] < 1:
            raise InputError("--within-top must be at least 1", "write --within-top 3 NAME")

    @property
    def needs_baseline(self) -> str:
        """The flag that needs one; empty where none does."""
        if self.max_drop:
            return "--max-drop"
        return "--min-tau" if self.min_tau is not None else ""


def parse_max_drop(texts: Sequence[str]) -> tuple[MaxDrop, ...]:
    """From ``gda:2%`` and ``gda:0.02``.

    Raises:
        InputError: It is neither.
    """
    return tuple(_parse_drop(text) for text in texts)


def parse_fail_under(texts: Sequence[str]) -> tuple[FailUnder, ...]:
    """From ``gda=0.8``.

    Raises:
        InputError: It is not so.
    """
    found = []
    for text in texts:
        metric, _, number = text.rpartition("=")
        value = _number(number)
        if not metric or value is None:
            raise InputError(f"--fail-under '{text}' is not METRIC=SCORE", "write gda=0.8")
        found.append(FailUnder(metric.strip(), value))
    return tuple(found)


def _parse_drop(text: str) -> MaxDrop:
    metric, _, amount = text.rpartition(":")
    relative = amount.strip().endswith("%")
    value = _number(amount.strip().removesuffix("%"))
    if not metric or value is None or value < 0:
        raise InputError(
            f"--max-drop '{text}' is not METRIC:DROP", "write gda:2% of its score, or gda:0.02"
        )
    return MaxDrop(metric.strip(), value / 100 if relative else value, relative)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
