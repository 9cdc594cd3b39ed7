import pytest

from featrank.render.text.depth import pictures, sparkline


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([0.0, 7.0], "▁█"),
        ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"),
        ([3.0, 3.0], "▁▁"),
        ([1.0, None, 2.0], "▁·█"),
        ([None], "·"),
        ([], ""),
    ],
)
def test_blocks_follow_the_values(values: list[float | None], line: str) -> None:
    assert sparkline(values) == line


def row(layer: str, place: int, value: float, **more: object) -> dict[str, object]:
    score = {"value": value, "higher_is_better": False}
    return {
        "model": "m", "layer": layer, "layer_index": place, "layer_rank": 1,
        "scores": {"low": score}, **more,
    }  # fmt: skip


def test_a_model_has_one_line_in_depth_order_and_up_is_better() -> None:
    rows = [row("b", 1, 1.0, rank=1), row("a", 0, 3.0)]
    document = {"rows": rows, "config": {"metrics": ["other", "low"], "layers_by": ["low"]}}
    assert list(pictures(document)) == [("m", "low ▁█ 1 to 3; best b")]
