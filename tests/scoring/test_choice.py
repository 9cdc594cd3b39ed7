from __future__ import annotations

import pytest

from featrank.errors import InputError
from featrank.metrics import METRICS
from featrank.scoring.choice import choose_metrics


def test_metrics_are_named_by_pattern_and_each_counts_once() -> None:
    assert choose_metrics(["all"], None) == list(METRICS)
    assert [metric.name for metric in choose_metrics(["nb", "tmi", "nb*"], "tmi")] == [
        "nb", "tmi", "nb_quad",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metrics", "by", "said"),
    [
        (["gda", "tmi"], "nb", "--by nb is not among --metrics"),
        (["gda"], "gdaa", "unknown metric 'gdaa'"),
        (["gdaa"], None, "unknown metric 'gdaa'"),
    ],
)
def test_what_cannot_order(metrics: list[str], by: str | None, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        choose_metrics(metrics, by)
    assert caught.value.hint
