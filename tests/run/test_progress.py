from __future__ import annotations

from typing import cast

from featrank.errors import IncompleteError
from featrank.records import FAILED, LayerRef, ModelRef, Result, ScoreRow
from featrank.run.plan import ModelPlan, failed_plan
from featrank.run.progress import Progress


def plan(name: str) -> ModelPlan:
    return failed_plan(ModelRef(name, "timm", name, name), IncompleteError("no hub"))


def row(plan: ModelPlan) -> ScoreRow:
    return ScoreRow(plan.model, LayerRef(), status=FAILED)


def test_rows_stand_in_the_order_asked_for_and_are_published_as_they_come() -> None:
    seen: list[list[str]] = []

    def rank(progress: Progress) -> Result:
        return cast(Result, [row.model.name for row in progress.rows])

    progress = Progress(rank, lambda result: seen.append(cast(list[str], result)))
    plans = [plan("a"), plan("b")]
    progress.start(plans)
    assert progress.partial
    for i, model in progress.extracted([(1, plans[1]), (0, plans[0])]):
        progress.add(i, model, [row(model)])
    assert not progress.partial
    assert [one.model.name for one in progress.done] == ["a", "b"]
    # Before the first, and when all that is at hand is in: those in between follow at once.
    assert seen == [[], ["a", "b"]]
    assert cast(list[str], progress.result) == ["a", "b"]
    assert list(progress.seconds) == ["plan", "extract", "score", "total"]


def test_nobody_has_to_listen() -> None:
    progress = Progress(lambda _: cast(Result, "ranked"), None)
    progress.start([])
    assert cast(str, progress.result) == "ranked"
