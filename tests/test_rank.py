import pytest

from featrank.rank import rank_rows
from featrank.records import FAILED, OK, LayerRef, MetricScore, ModelRef, Score, ScoreRow


def row(name: str, **values: float | tuple[float, float] | None) -> ScoreRow:
    scores = {}
    for metric, value in values.items():
        pair = value if isinstance(value, tuple) else (value, None)
        score = None if pair[0] is None else Score(pair[0], pair[1])
        scores[metric] = MetricScore(metric, 1, {}, not metric.startswith("low"), score)
    return ScoreRow(ModelRef(name, "timm", name, name), LayerRef(), OK, scores=scores)


def order(*rows: ScoreRow, metrics: tuple[str, ...] = ("a", "b"), by: str | None = None) -> list:
    ranking = rank_rows(rows, metrics, by)
    return [(r.model.name, r.rank, r.mean_rank) for r in ranking.rows]


def test_mean_of_ranks_orders() -> None:
    rows = row("x", a=1.0, b=9.0), row("y", a=3.0, b=8.0), row("z", a=2.0, b=7.0)
    assert order(*rows) == [("y", 1, 1.5), ("x", 2, 2.0), ("z", 3, 2.5)]


def test_ties_share_a_rank_and_keep_the_order_asked_for() -> None:
    rows = row("x", a=1.0), row("y", a=2.0), row("z", a=2.0)
    assert order(*rows, metrics=("a",)) == [("y", 1, 1.0), ("z", 1, 1.0), ("x", 3, 3.0)]


def test_tie_break_decides_between_equal_values() -> None:
    rows = row("x", a=(0.9, -0.5)), row("y", a=(0.9, -0.2))
    assert [name for name, *_ in order(*rows, metrics=("a",))] == ["y", "x"]


def test_lower_is_better_where_declared() -> None:
    rows = row("x", low=2.0), row("y", low=1.0)
    assert [name for name, *_ in order(*rows, metrics=("low",))] == ["y", "x"]


def test_by_orders_by_one_metric() -> None:
    rows = row("x", a=1.0, b=9.0), row("y", a=3.0, b=8.0)
    assert [name for name, *_ in order(*rows, by="b")] == ["x", "y"]


def test_missing_score_counts_as_last_and_has_no_rank() -> None:
    ranking = rank_rows([row("x", a=None), row("y", a=1.0), row("z", a=0.5)], ["a"])
    assert [(r.model.name, r.mean_rank) for r in ranking.rows] == [("y", 1), ("z", 2), ("x", 3)]
    assert ranking.rows[-1].scores["a"].rank is None


def test_failed_rows_stand_last_without_rank() -> None:
    failed = ScoreRow(ModelRef("f", "timm", "f", "f"), LayerRef(), FAILED, "no weights")
    ranking = rank_rows([failed, row("x", a=1.0)], ["a"])
    assert [(r.model.name, r.rank) for r in ranking.rows] == [("x", 1), ("f", None)]
    assert [r.model.name for r in ranking.failed] == ["f"]


def test_no_rows_at_all() -> None:
    assert rank_rows([], ["a"]).rows == ()


@pytest.mark.parametrize("n", [1, 5])
def test_ranks_are_complete(n: int) -> None:
    ranking = rank_rows([row(str(i), a=float(i)) for i in range(n)], ["a"])
    assert [r.rank for r in ranking.rows] == list(range(1, n + 1))
