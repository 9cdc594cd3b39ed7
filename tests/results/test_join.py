import copy
from typing import Any

import pytest
from result_documents import document_of, row, score

from featrank.errors import InputError
from featrank.records import Result
from featrank.results.join import is_whole, join_results
from featrank.results.read import result_of


def result(scores: dict[str, float], **more: Any) -> Result:
    rows = [row(name, i, {"gda": score(gda, i)}) for i, (name, gda) in enumerate(scores.items(), 1)]
    return result_of(document_of(rows, **more))


def order(joined: Result) -> list[tuple[str, int | None]]:
    return [(row.model.name, row.rank) for row in joined.ranking.rows]


def never(message: str) -> None:
    raise AssertionError(message)


def test_ranks_are_made_anew_over_all_rows() -> None:
    joined = join_results({"a": result({"x": 0.9, "y": 0.5}), "b": result({"z": 0.7})}, None, never)
    assert order(joined) == [("x", 1), ("z", 2), ("y", 3)]
    assert [row.scores["gda"].rank for row in joined.ranking.rows] == [1, 2, 3]
    assert joined.candidates == ("timm:x", "timm:y", "timm:z")
    assert is_whole(joined)


def test_ties_stand_as_they_were_asked_for() -> None:
    shards = [result({name: 0.5}, candidates=["timm:x", "timm:y", "timm:z"]) for name in "zyx"]
    named = {str(i): shard for i, shard in enumerate(shards)}
    assert order(join_results(named, None, never)) == [("x", 1), ("y", 1), ("z", 1)]


def test_a_missing_shard_leaves_it_partial() -> None:
    first = result({"x": 0.9}, candidates=["timm:x", "timm:y"])
    assert not is_whole(first)
    alone = join_results({"a": first, "b": copy.deepcopy(first)}, None, never)
    assert alone.partial
    second = result({"y": 0.9}, candidates=["timm:x", "timm:y"], partial=True)
    assert not join_results({"a": first, "b": second}, None, never).partial


def test_several_targets_are_columns_each() -> None:
    cars = {"name": "cars", "fingerprint": "0" * 64, "n_images": 4, "n_classes": 1,
            "class_counts": {"c": 4}, "skipped": 0}  # fmt: skip
    named = {
        "a": result({"x": 0.9, "y": 0.5}),
        "b": result({"y": 0.8, "x": 0.1, "w": 0.05}, target=cars),
    }
    joined = join_results(named, None, never)
    assert joined.ranking.metrics == ("pets:gda", "cars:gda")
    # w has no score on pets and counts as last there; x and y are first once each.
    assert order(joined) == [("x", 1), ("y", 1), ("w", 3)]
    assert joined.target.name == "pets + cars"
    assert joined.target.n_images == 11
    by = join_results(named, "cars:gda", never)
    assert order(by) == [("y", 1), ("x", 2), ("w", 3)]
    with pytest.raises(InputError, match="--by gda"):
        join_results(named, "gda", never)


def test_targets_of_one_name_are_told_apart() -> None:
    other = {"name": "pets", "fingerprint": "0" * 64, "n_images": 4, "n_classes": 1,
             "class_counts": {"c": 4}, "skipped": 0}  # fmt: skip
    named = {"a": result({"x": 0.9}), "b": result({"x": 0.8}, target=other)}
    assert join_results(named, None, never).ranking.metrics == (
        "pets-ffffff:gda",
        "pets-000000:gda",
    )


def test_scores_of_another_version_do_not_join() -> None:
    other = result_of(document_of([row("y", 1, {"gda": score(0.5, 1, version=2)})]))
    with pytest.raises(InputError, match="b: gda is version 2"):
        join_results({"a": result({"x": 0.9}), "b": other}, None, never)


def test_a_success_replaces_a_failure_and_the_later_score_counts_and_says_so() -> None:
    failure = {
        "model": "timm:x", "requested": "x", "zoo": "timm", "architecture": "x",
        "layer": "pre_logits", "pooling": "auto", "status": "failed", "reason": "no hub",
    }  # fmt: skip
    failed = result_of(document_of([row("y", 1, {"gda": score(0.5, 1)}), failure]))
    said: list[str] = []
    named = {"a": failed, "b": result({"x": 0.9}), "c": result({"y": 0.6})}
    joined = join_results(named, None, said.append)
    assert order(joined) == [("x", 1), ("y", 2)]
    assert joined.ranking.rows[1].scores["gda"].score.value == 0.6  # type: ignore[union-attr]
    assert said == ["c: timm:y, gda differs from an earlier result; this one counts"]


def test_one_result_stays_as_it_is() -> None:
    only = result({"x": 0.9, "y": 0.5})
    assert join_results({"a": only}, None, never) is only
