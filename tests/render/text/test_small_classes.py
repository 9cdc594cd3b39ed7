from __future__ import annotations

from featrank.render.text.small_classes import small_classes


def lines(counts: dict[str, int], **scores: dict[str, object]) -> list[str]:
    return list(
        small_classes({"target": {"class_counts": counts}, "rows": [{"scores": scores}, {}]})
    )


def test_metrics_that_want_the_same_share_a_line() -> None:
    folds = {"params": {"folds": 5}}
    found = lines({"a": 9, "b": 3, "c": 1}, gda=folds, nb=folds, tmi={"params": {"k": 9}})
    assert found == ["too small for gda, nb (fewer than 5 folds): c 1, b 3"]


def test_classes_that_a_metric_leaves_out() -> None:
    dropped = {"params": {}, "value": 1.0, "details": {"dropped_classes": ["c"]}}
    assert lines({"a": 9, "c": 1}, tmi=dropped) == ["too small for tmi (left out): c 1"]


def test_many_classes_are_counted() -> None:
    counts = {f"c{i}": 1 for i in range(11)}
    (line,) = lines(counts, gda={"params": {"folds": 2}})
    assert line.endswith(" and 3 more")


def test_nothing_to_say() -> None:
    assert lines({"a": 9, "b": 9}, gda={"params": {"folds": 5}}) == []
