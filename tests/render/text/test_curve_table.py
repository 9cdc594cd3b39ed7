import io

from rich.console import Console

from featrank.render.text.curve_table import print_curves

CURVE = {
    "shots": [1, 2], "seeds": 3, "held_out": 48,
    "classifiers": {
        "nb": {"mean": [0.3, 0.4], "std": [0.01, 0.02]},
        "gda": {"mean": [0.31, 0.5], "std": [0.01, 0.02]},
        "linear": {"mean": [0.2, 0.45], "std": [0.03, 0.04]},
    },
    "crossings": {"nb": {"last_ahead": 1, "behind_from": 2}, "gda": {"last_ahead": 2}},
}  # fmt: skip


def printed(*curves: object) -> str:
    rows = [{"requested": "x\x1b[31m", "layer": "pre_logits", "curve": curve} for curve in curves]
    stream = io.StringIO()
    document = {"rows": [*rows, {"requested": "bare", "layer": "l"}]}
    print_curves(document, Console(file=stream, width=80, highlight=False))
    return stream.getvalue()


def test_everything_is_said() -> None:
    text = printed(CURVE)
    lines = [line.split() for line in text.splitlines()]
    assert ["shots", "nb", "gda", "linear"] in lines
    assert ["1", "0.300±0.010", "0.310±0.010", "0.200±0.030"] in lines
    assert "nb and linear cross: nb is last ahead at 1 shots, linear no worse from 2 on." in text
    assert "gda is ahead of linear at 2 shots, the most there are." in text
    assert "48 held-out images" in text
    assert "3 seeds" in text
    assert "\x1b" not in text
    assert "bare" not in text


def test_one_seed_and_no_lead() -> None:
    single = {name: {"mean": found["mean"]} for name, found in CURVE["classifiers"].items()}  # type: ignore[attr-defined]
    crossings = {"nb": {"behind_from": 1}}
    text = printed({**CURVE, "seeds": 1, "classifiers": single, "crossings": crossings})
    assert "nb is never ahead of linear." in text
    assert "±" not in text
    assert "of a single seed" in text


def test_a_reason_stands_instead() -> None:
    assert "learning curve: class 'a' has one image" in printed(
        {"reason": "class 'a' has one image"}
    )
