import msgspec
import pytest

from featrank.records import FAILED, OK, LayerRef, MetricScore, ModelRef, Score, ScoreRow
from featrank.results.rank import rank_layers, rank_rows


def row(name: str, **values: float | tuple[float, float] | None) -> ScoreRow:
    scores = {}
    for metric, value in values.items():
        pair = value if isinstance(value, tuple) else (value, None)
        score = None if pair[0] is None else Score(pair[0], pair[1])
        scores[metric] = MetricScore(metric, 1, {}, not metric.startswith("low"), score)
    return ScoreRow(ModelRef(name, "timm", name, name), LayerRef(), status=OK, scores=scores)


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
    failed = ScoreRow(
        ModelRef("f", "timm", "f", "f"), LayerRef(), status=FAILED, reason="no weights"
    )
    ranking = rank_rows([failed, row("x", a=1.0)], ["a"])
    assert [(r.model.name, r.rank) for r in ranking.rows] == [("x", 1), ("f", None)]
    assert [r.model.name for r in ranking.failed] == ["f"]


def test_no_rows_at_all() -> None:
    assert rank_rows([], ["a"]).rows == ()


@pytest.mark.parametrize("n", [1, 5])
def test_ranks_are_complete(n: int) -> None:
    ranking = rank_rows([row(str(i), a=float(i)) for i in range(n)], ["a"])
    assert [r.rank for r in ranking.rows] == list(range(1, n + 1))


def layered(model: str, *layers: dict[str, float | None]) -> list[ScoreRow]:
    return [
        msgspec.structs.replace(row(model, **values), layer=LayerRef(f"l{i}"))
        for i, values in enumerate(layers)
    ]


def test_a_model_stands_where_its_best_layer_does() -> None:
    rows = [
        *layered("x", {"a": 1.0}, {"a": 5.0}, {"a": 3.0}),
        *layered("y", {"a": 4.0}, {"a": 2.0}),
    ]
    ranking = rank_layers(rows, ["a"], None, {"a"})
    found = [
        (r.model.name, r.layer.name, r.rank, r.layer_rank, r.layer_index) for r in ranking.rows
    ]
    assert found == [
        ("x", "l1", 1, 1, 1),
        ("y", "l0", 2, 1, 0),
        ("x", "l0", None, 3, 0),
        ("x", "l2", None, 2, 2),
        ("y", "l1", None, 2, 1),
    ]
    assert ranking.layers_by == ("a",)


def test_layers_are_compared_only_by_what_compares_across_widths() -> None:
    rows = layered("x", {"wide": 1.0, "fair": 9.0}, {"wide": 7.0, "fair": 2.0})
    for by, fair in (("wide", {"fair"}), (None, {"fair"}), ("fair", {"fair"})):
        ranking = rank_layers(rows, ["wide", "fair"], by, fair)
        assert ranking.rows[0].layer.name == "l0"
        assert ranking.layers_by == ("fair",)
        assert ranking.by == by


def test_without_such_a_metric_the_deepest_layer_stands_for_the_model() -> None:
    rows = layered("x", {"wide": 9.0}, {"wide": 1.0})
    ranking = rank_layers(rows, ["wide"], "wide", set())
    assert ranking.rows[0].layer.name == "l1"
    assert ranking.layers_by == ()


def test_a_layer_without_a_score_is_not_the_best() -> None:
    rows = layered("x", {"a": None}, {"a": -3.0})
    assert rank_layers(rows, ["a"], None, {"a"}).rows[0].layer.name == "l1"


def test_one_layer_a_model_ranks_as_ever() -> None:
    rows = [row("x", a=1.0), msgspec.structs.replace(row("z"), status=FAILED), row("y", a=2.0)]
    plain, by_layers = rank_rows(rows, ["a"]), rank_layers(rows, ["a"], None, {"a"})
    assert plain == by_layers


def test_what_has_no_vote_is_left_out_of_the_mean() -> None:
    rows = row("x", a=1.0, b=9.0, c=9.0), row("y", a=3.0, b=8.0, c=8.0)
    ranking = rank_rows(rows, ("a", "b", "c"), no_vote=("c",))
    assert [(r.model.name, r.mean_rank) for r in ranking.rows] == [("x", 1.5), ("y", 1.5)]
    assert ranking.no_vote == ("c",)
    # Its own column is ranked, and it may be asked to order; alone, it does.
    assert [r.scores["c"].rank for r in ranking.rows] == [1, 2]
    by = rank_rows(rows, ("a", "b", "c"), "c", no_vote=("c",))
    assert [r.model.name for r in by.rows] == ["x", "y"]
    rows = row("x", c=9.0), row("y", c=8.0)
    alone = rank_rows(rows, ("c",), no_vote=("c",))
    assert [(r.model.name, r.mean_rank) for r in alone.rows] == [("x", 1), ("y", 2)]
    assert alone.no_vote == ()
