import io

import pytest
from rich.console import Console

from featrank.render.text.table import header, print_table

NAME = "vit_base_patch16_clip_224.laion2b_ft_in12k_in1k"
DOCUMENT = {
    "config": {"metrics": ["tmi", "gda"]},
    "target": {
        "name": "pets", "n_images": 7, "n_classes": 2, "class_counts": {"cat": 3, "dog": 4},
        "split": "train", "skipped": 1,
    },
    "rows": [
        {
            "model": f"timm:{NAME}", "requested": NAME, "status": "ok", "rank": 1, "mean_rank": 1.5,
            "n_params": 86_567_656, "n_features": 768, "images_per_second": 12.4,
            "scores": {
                "tmi": {"value": 354.61, "rank": 1, "higher_is_better": True,
                        "details": {"clamped_fraction": 0.25, "dropped_classes": ["cat"]},
                        "remarks": ["25.0% of the distances are clamped", "too many dogs"]},
                "gda": {"rank": None, "higher_is_better": True, "reason": "only one class"},
            },
        },
        {
            "model": "timm:resnet50.a1_in1k", "requested": "resnet50\x1b[31m", "status": "failed",
            "reason": "the hub did not answer", "hint": "set HF_ENDPOINT",
        },
    ],
}  # fmt: skip


def printed(width: int) -> str:
    stream = io.StringIO()
    print_table(DOCUMENT, Console(file=stream, width=width, highlight=False))
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 120, 10_000])
def test_no_model_name_is_cut(width: int) -> None:
    assert NAME in printed(width)


def test_a_narrow_terminal_keeps_names_ranks_and_scores() -> None:
    text = printed(80)
    assert "354.6 (1)" in text
    assert "params" not in text
    line = next(line for line in text.splitlines() if NAME in line)
    assert line.split() == ["1", NAME, "354.6", "(1)", "–"]


def test_everything_is_said() -> None:
    text = printed(200)
    for said in ("354.6 (1)", "86.6M", "768", "12", "1.5", "tmi ↑", "25.0% of the distances"):
        assert said in text
    assert f"{NAME}, tmi: too many dogs" in text
    assert "gda: only one class" in text
    assert "failed: the hub did not answer → set HF_ENDPOINT" in text
    assert "Scores compare only within one metric and one target." in text


def with_score(**score: object) -> dict[str, object]:
    row = {**DOCUMENT["rows"][0], "scores": {"snnl": {"higher_is_better": False, **score}}}  # type: ignore[index]
    return {**DOCUMENT, "config": {"metrics": ["snnl"], "no_vote": ["snnl"]}, "rows": [row]}


def said_of(document: object) -> str:
    stream = io.StringIO()
    print_table(document, Console(file=stream, width=200, highlight=False))  # type: ignore[arg-type]
    return stream.getvalue()


def test_a_sample_is_said_in_the_row() -> None:
    text = said_of(with_score(value=0.5, rank=1, details={"sampled_rows": 4998, "seed": 0}))
    assert "0.5~ (1)" in text
    assert "~ of a seeded sample of 4,998 images: snnl." in text
    assert "Left out of the mean rank: snnl" in text
    assert "~" not in said_of(with_score(value=0.5, rank=1))


@pytest.mark.parametrize("odd", [3, "x", 0.5, True, ["a", 1], {"a": 1}])
@pytest.mark.parametrize(
    "key",
    [
        "clamped_fraction",
        "single_classes",
        "classes_of_one",
        "floored",
        "left_out",
        "sampled_classes",
    ],
)
def test_details_of_a_plugin_may_be_anything(key: str, odd: object) -> None:
    assert "0.5 (1)" in said_of(with_score(value=0.5, rank=1, details={key: odd}))


def test_header_names_smallest_and_largest_class() -> None:
    assert header(DOCUMENT["target"]) == (  # type: ignore[arg-type]
        "pets: 7 images; 2 classes; smallest cat 3, largest dog 4; split train; 1 skipped"
    )


def test_control_characters_never_reach_the_terminal() -> None:
    assert "\x1b" not in printed(200)


def test_a_name_typed_twice_is_shown_in_full() -> None:
    rows = [
        {"model": f"{zoo}:x", "requested": "x", "status": "cached", "rank": 1, "scores": {}}
        for zoo in ("timm", "package")
    ]
    stream = io.StringIO()
    print_table({**DOCUMENT, "rows": rows}, Console(file=stream, width=200))
    assert "timm:x" in stream.getvalue()
    assert "package:x" in stream.getvalue()


def layered(per_layer: bool, *, terminal: bool = False) -> str:
    def one(layer: str, place: int, value: float, **more: object) -> dict[str, object]:
        score = {"value": value, "rank": 1, "layer_rank": 3 - place, "higher_is_better": True}
        return {
            "model": "timm:x", "requested": "x", "status": "cached", "layer": layer,
            "layer_index": place, "layer_rank": 2 - place, "scores": {"tmi": score, "gda": score},
            **more,
        }  # fmt: skip

    rows = [one("b1", 1, 0.9, rank=1, mean_rank=1.0), one("b0", 0, 0.2)]
    config = {"metrics": ["tmi", "gda"], "layers_by": ["gda"]}
    stream = io.StringIO()
    console = Console(file=stream, width=200, force_terminal=terminal, no_color=True)
    print_table({**DOCUMENT, "rows": rows, "config": config}, console, per_layer=per_layer)
    return stream.getvalue()


def test_a_models_row_shows_its_best_layer_and_the_table_says_by_what() -> None:
    text = layered(per_layer=False)
    assert "b1" in text
    assert "b0" not in text
    assert "compared by gda" in text
    assert "Raw tmi" in text
    assert "--per-layer" in text


def test_per_layer_shows_all_in_depth_order_and_draws_on_a_terminal_only() -> None:
    text = layered(per_layer=True)
    assert text.index("b0") < text.index("b1")
    assert "0.2 (3)" in text
    assert "gda ▁█" not in text
    assert "timm:x: gda ▁█ 0.2 to 0.9; best b1" in layered(per_layer=True, terminal=True)


def test_nulls_stand_under_the_scores_and_fit_a_terminal() -> None:
    score = {"value": 0.6708, "rank": 1, "higher_is_better": True}
    scores = {
        "gda": {**score, "null_mean": 0.16666, "null_std": 0.0234},
        "nb": {**score, "null_mean": 0.25},
        "spectrum": {**score, "details": {"label_free": True}, "null_reason": "label-free"},
        "tmi": {**score, "null_reason": "label permutation 0: too small"},
    }
    row = {"model": "timm:resnet50.a1_in1k", "requested": "resnet50.a1_in1k", "status": "cached",
           "rank": 1, "scores": scores}  # fmt: skip
    stream = io.StringIO()
    config = {"metrics": list(scores), "null": 20}
    print_table({**DOCUMENT, "rows": [row], "config": config}, Console(file=stream, width=80))
    text = stream.getvalue()
    lines = [line.split() for line in text.splitlines()]
    assert ["null", "0.1667±0.023", "0.25", "label-free", "–"] in lines
    assert max(map(len, text.splitlines()[:6])) <= 80
    assert "tmi: no null: label permutation 0: too small" in text
    assert "mean±standard deviation of 20" in text
    assert "spectrum: no null" not in text


def test_the_header_says_why_images_were_skipped() -> None:
    def said(*reasons: str) -> str:
        skipped = [{"path": "x", "reason": reason} for reason in reasons]
        text = header({**DOCUMENT["target"], "skipped": len(reasons)}, skipped)  # type: ignore[dict-item]
        return text.partition("split train; ")[2]

    assert said() == "0 skipped"
    assert said("no label", "no label") == "2 skipped (no label)"
    assert said("cannot be read: a", "no label", "cannot be read: b") == (
        "3 skipped (2 cannot be read, 1 no label)"
    )
    assert said("a", "b", "c", "d") == "4 skipped (1 a, 1 b, 1 c, …)"
