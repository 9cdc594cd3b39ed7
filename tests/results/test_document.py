import json

from featrank.records import (
    FAILED,
    OK,
    LayerRef,
    MetricScore,
    ModelRef,
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
        LayerRef(), OK, n_params=86, n_features=768, images_per_second=12.5,
        scores={"tmi": TMI},
        mean_rank=1.0, rank=1,
    )  # fmt: skip
    failed = ScoreRow(
        ModelRef("b", "timm", "b.t", "b"), LayerRef(), FAILED, "no hub", "set HF_ENDPOINT"
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


def test_what_does_not_apply_is_left_out() -> None:
    _, failed = result_document(result())["rows"]
    assert not {"scores", "rank", "n_params", "images_per_second"} & set(failed)
