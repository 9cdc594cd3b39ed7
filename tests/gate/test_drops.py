import pytest

from featrank.gate.conditions import MaxDrop
from featrank.gate.drops import judge_drop
from featrank.records import MetricScore, Null, Score

TENTH = MaxDrop("m", 0.1, relative=False)


def score(
    value: float,
    interval: tuple[float, float] | None = None,
    std: float | None = None,
    *,
    higher: bool = True,
) -> MetricScore:
    null = Null(0.0, std) if std is not None else None
    return MetricScore("m", 1, {}, higher, Score(value, interval=interval), null=null)


@pytest.mark.parametrize(
    ("then", "now", "limit", "passed", "said"),
    [
        (score(0.8), score(0.75), TENTH, True, "0.8 → 0.75, worse by 0.05 (6.25%)"),
        (score(0.8), score(0.65), TENTH, False, "worse by 0.15"),
        (score(0.8), score(0.9), TENTH, True, "better by 0.1"),
        (score(0.8), score(0.8), TENTH, True, "equal"),
        # Rounding must not decide: 0.8 - 0.7 is a little more than 0.1.
        (score(0.8), score(0.7), TENTH, True, "worse by 0.1"),
        (score(0.8), score(0.784), MaxDrop("m", 0.02, relative=True), True, "2.00%"),
        (score(0.8), score(0.78), MaxDrop("m", 0.02, relative=True), False, "2.50%"),
        (score(-4.0), score(-4.2), MaxDrop("m", 0.02, relative=True), False, "5.00%"),
        (score(0.0), score(-0.2), MaxDrop("m", 0.5, relative=True), False, "worse by 0.2"),
        # Lower is better.
        (score(1.0, higher=False), score(1.3, higher=False), TENTH, False, "worse by 0.3"),
        (score(1.0, higher=False), score(0.5, higher=False), TENTH, True, "better by 0.5"),
        # Intervals.
        (score(0.8, (0.6, 0.9)), score(0.65), TENTH, True, "within the baseline's interval 0.6"),
        (score(0.8, (0.7, 0.9)), score(0.65), TENTH, False, "beyond the baseline's interval 0.7"),
        (score(0.8), score(0.65, (0.5, 0.85)), TENTH, True, "within the new interval 0.5 to 0.85"),
        (score(0.8), score(0.65, (0.5, 0.75)), TENTH, False, "beyond the new interval"),
        (
            score(1.0, (0.9, 1.4), higher=False), score(1.3, higher=False), TENTH, True,
            "within the baseline's interval",
        ),
        (
            score(1.0, higher=False), score(1.3, (0.9, 1.4), higher=False), TENTH, True,
            "within the new interval",
        ),
        (
            score(1.0, (0.9, 1.1), higher=False), score(1.3, (1.2, 1.4), higher=False), TENTH,
            False, "beyond the baseline's interval 0.9 to 1.1 and the new interval 1.2 to 1.4",
        ),
        # Nulls; an interval goes before them.
        (score(0.8, std=0.1), score(0.65), TENTH, True, "within 2 standard deviations of the null"),
        (score(0.8, std=0.05), score(0.65, std=0.07), TENTH, False, "beyond 2 standard deviations"),
        (score(0.8, (0.7, 0.9), std=9.0), score(0.65), TENTH, False, "beyond the baseline's int"),
    ],
)  # fmt: skip
def test_a_drop_counts_beyond_what_is_allowed_and_beyond_noise(
    then: MetricScore, now: MetricScore, limit: MaxDrop, passed: bool, said: str
) -> None:
    found, text = judge_drop(then, now, limit)
    assert found is passed
    assert said in text
