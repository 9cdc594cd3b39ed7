import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from featrank.records import (
    FAILED,
    OK,
    LayerRef,
    MetricScore,
    ModelRef,
    Null,
    Ranking,
    Result,
    Score,
    ScoreRow,
    Skipped,
    TargetInfo,
)
from featrank.results.document import result_document

TMI = MetricScore("tmi", 1, {"k": 3}, True, Score(1.5, None, {"clamped_fraction": 0.5}), rank=1)


def result() -> Result:
    good = ScoreRow(
        ModelRef("vit_b16", "timm", "vit_base_patch16_224.augreg", "vit_base_patch16_224", "alias"),
        LayerRef(), status=OK, n_params=86, n_features=768, images_per_second=12.5,
        scores={"tmi": TMI},
        mean_rank=1.0, rank=1,
    )  # fmt: skip
    failed = ScoreRow(
        ModelRef("b", "timm", "b.t", "b"),
        LayerRef(),
        status=FAILED,
        reason="no hub",
        hint="set HF_ENDPOINT",
    )
    target = TargetInfo(
        "pets", "f" * 64, "train", {"cat": 3, "dog": 4}, (Skipped("x.jpg", "torn"),)
    )
    return Result(
        Ranking((good, failed), ("tmi",), None), target, {"dataset": "pets"}, {"python": "3"}
    )


def test_shape_is_the_fixed_one() -> None:
    document = json.loads(json.dumps(result_document(result())))
    assert list(document) == [
        "schema_version",
        "partial",
        "config",
        "stamp",
        "target",
        "candidates",
        "rows",
        "skipped",
        "timings",
    ]
    assert document["target"] == {
        "name": "pets", "fingerprint": "f" * 64, "n_images": 7, "n_classes": 2,
        "class_counts": {"cat": 3, "dog": 4}, "split": "train", "skipped": 1,
    }  # fmt: skip
    assert document["skipped"] == [{"path": "x.jpg", "reason": "torn"}]
    good, failed = document["rows"]
    assert good["model"] == "timm:vit_base_patch16_224.augreg"
    assert good["requested"] == "vit_b16"
    assert good["scores"]["tmi"] == {
        "value": 1.5, "rank": 1, "version": 1, "params": {"k": 3}, "higher_is_better": True,
        "details": {"clamped_fraction": 0.5},
    }  # fmt: skip
    assert (failed["status"], failed["reason"], failed["hint"]) == (
        "failed",
        "no hub",
        "set HF_ENDPOINT",
    )


def test_the_order_of_the_keys_is_published() -> None:
    whole = result()
    facts = {
        "images_per_second": 1.5, "device": "cpu", "weights": "0", "reason": "r", "hint": "h",
        "layer_rank": 1, "layer_index": 0, "depth": 0.5, "loading": {"missing": ["a"]},
        "weights_notes": ["a note"],
        "curve": {"shots": [1]},
    }  # fmt: skip
    null, score = Null(0.5, 0.1, "few"), Score(1.5, 0.5, {"a": 1}, (1.0, 2.0), ("mind",))
    scored = replace(TMI, score=score, null=null, layer_rank=1, reason="r", origin="pack 1.0")
    row = msgspec.structs.replace(whole.ranking.rows[0], scores={"tmi": scored}, **facts)
    ranking = replace(whole.ranking, rows=(row,))
    (document,) = result_document(replace(whole, ranking=ranking))["rows"]
    assert list(document) == [
        "model", "requested", "zoo", "architecture", "layer", "pooling", "n_features", "n_params",
        "images_per_second", "device", "weights", "status", "reason", "hint", "note", "scores",
        "mean_rank", "rank", "layer_rank", "layer_index", "depth", "loading",
        "weights_notes", "curve",
    ]  # fmt: skip
    assert list(document["scores"]["tmi"]) == [
        "value", "tie_break", "rank", "layer_rank", "version", "params", "higher_is_better", "low",
        "high", "details", "remarks", "reason", "null_mean", "null_std", "null_reason", "origin",
    ]  # fmt: skip
    assert (document["scores"]["tmi"]["low"], document["scores"]["tmi"]["high"]) == (1.0, 2.0)


def test_numbers_and_text_of_a_kind_of_their_own() -> None:
    class Word(str):
        __slots__ = ()

    whole = result()
    scored = replace(TMI, score=Score(np.float64(1.5), details={"share": np.float64(0.5)}))
    row = msgspec.structs.replace(whole.ranking.rows[0], scores={"tmi": scored}, device=Word("cpu"))
    (document,) = result_document(replace(whole, ranking=replace(whole.ranking, rows=(row,))))[
        "rows"
    ]
    found = (document["scores"]["tmi"]["value"], document["device"])
    assert found == (1.5, "cpu")
    assert [type(value) for value in found] == [float, str]
    with pytest.raises(TypeError):
        result_document(replace(whole, config={"a": object()}))


def test_what_does_not_apply_is_left_out() -> None:
    _, failed = result_document(result())["rows"]
    assert not {"scores", "rank", "n_params", "images_per_second"} & set(failed)
