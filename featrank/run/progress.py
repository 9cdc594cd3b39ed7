"""How far a run is: rows as they come, the seconds they took, results on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from featrank.records import Result, ScoreRow
from featrank.run.plan import ModelPlan
from featrank.run.stopwatch import Stopwatch

Publish = Callable[[Result], None]

_SECONDS_BETWEEN_RESULTS = 1.0


class Progress:
    """What is done so far, in the order asked for; publishes it now and then.

    Args:
        rank: Makes a result of this progress.
        publish: Given the partial result before the first model, and as models are finished; None
            where nobody wants it.
    """

    def __init__(self, rank: Callable[[Progress], Result], publish: Publish | None) -> None:
        self._rank = rank
        self._publish = publish
        self._published = 0.0
        self._stopwatch = Stopwatch()
        self._done: dict[int, tuple[ModelPlan, list[ScoreRow]]] = {}
        self._plans: Sequence[ModelPlan] = ()

    def start(self, plans: Sequence[ModelPlan]) -> None:
        """The plan is made: publish the result without rows."""
        self._plans = plans
        self._publish_now()
        self._stopwatch.lap("plan")
        self._published = time.monotonic()

    def extracted(self, models: Iterable[tuple[int, ModelPlan]]) -> Iterator[tuple[int, ModelPlan]]:
        """The models as they come; the time that each took counts as extraction."""
        for i, plan in models:
            self._stopwatch.lap("extract")
            yield i, plan

    def add(self, i: int, plan: ModelPlan, rows: list[ScoreRow]) -> None:
        """The rows of the i-th model; publish, where it is time."""
        self._done[i] = plan, rows
        self._stopwatch.lap("score")
        # Cached models follow one another at once: files after each would take longer.
        due = time.monotonic() - self._published > _SECONDS_BETWEEN_RESULTS
        if due or len(self._done) >= sum(plan.is_at_hand for plan in self._plans):
            self._publish_now()
            self._published = time.monotonic()

    @property
    def rows(self) -> list[ScoreRow]:
        """All rows so far."""
        return [row for i in sorted(self._done) for row in self._done[i][1]]

    @property
    def done(self) -> list[ModelPlan]:
        """The models so far."""
        return [self._done[i][0] for i in sorted(self._done)]

    @property
    def partial(self) -> bool:
        """Whether models are still to come."""
        return len(self._done) < len(self._plans)

    @property
    def seconds(self) -> dict[str, float]:
        """By what they were spent on."""
        return self._stopwatch.seconds

    @property
    def result(self) -> Result:
        """The rows so far, ranked."""
        return self._rank(self)

    def _publish_now(self) -> None:
        if self._publish is not None:
            self._publish(self.result)
