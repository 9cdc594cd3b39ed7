import io

from rich.console import Console

from featrank.render.text.metric_table import print_metric, print_metrics

METRIC = {
    "name": "vci", "summary": "collapse\x1b[31m", "higher_is_better": False, "needs": "moments",
    "predicts": "linear probe", "cost": "N d²", "paper": "Xu & Liu, ICML 2023", "version": 3,
    "params": {"shrinkage": None}, "bounds": [0.0, None], "bounds_depend_on_data": True,
    "across_widths": True, "sees_labels": True, "label_free": False, "traps": "Unshrunk it lies.",
    "max_rows": 20_000, "alike": "hscore_reg",
    "formula": "1 - H [bold]\n\n    indented", "origin": "featrank",
}  # fmt: skip


def printed(call: object, width: int = 200) -> str:
    stream = io.StringIO()
    call(Console(file=stream, width=width, highlight=False))  # type: ignore[operator]
    return stream.getvalue()


def test_a_row_a_metric() -> None:
    text = printed(lambda console: print_metrics([METRIC], console, ["a note"]))
    rows = [line.split() for line in text.splitlines()]
    assert ["name", "better", "needs", "predicts", "cost", "paper"] in rows
    assert [
        "vci",
        "↓",
        "moments",
        "linear",
        "probe",
        "N",
        "d²",
        "Xu",
        "&",
        "Liu,",
        "ICML",
        "2023",
    ] in rows
    assert "a note" in text
    narrow = printed(lambda console: print_metrics([METRIC], console, []), 60)
    assert max(map(len, narrow.splitlines())) <= 60


def test_one_in_full() -> None:
    text = printed(lambda console: print_metric(METRIC, console))
    for said in (
        "lower", "0 to ∞, narrower", "shrinkage=None", "Unshrunk it lies.", "lower it",
        "1 - H [bold]\n\n    indented", "version        3", "above 20,000 rows",
        "no vote beside hscore_reg",
    ):  # fmt: skip
        assert said in text
    assert "\x1b" not in text
    blind = {
        **METRIC,
        "label_free": True,
        "sees_labels": False,
        "traps": "",
        "params": {},
        "max_rows": None,
    }
    text = printed(lambda console: print_metric(blind, console))
    assert "label-free" in text
    assert "traps" not in text
    assert "samples        no" in text
    assert "has no vote" in text
    assert "not seen" in printed(
        lambda console: print_metric({**blind, "label_free": False}, console)
    )


def test_a_narrow_terminal_does_without_references() -> None:
    text = printed(lambda console: print_metrics([METRIC], console, []), 80)
    assert "Xu & Liu" not in text
    assert "featrank metrics NAME has the reference." in text
    assert "NAME" not in printed(lambda console: print_metrics([METRIC], console, []), 120)
