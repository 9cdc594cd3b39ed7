import io
from typing import Any

import pytest
from rich.console import Console

from featrank.render.text.planned import duration, print_planned


def planned(name: str, **more: Any) -> dict[str, Any]:
    base = {"model": f"timm:{name}", "requested": name, "layers": 12, "cached": 0, "images": 100}
    return {**base, "download": False, **more}


def printed(*models: dict[str, Any]) -> str:
    stream = io.StringIO()
    print_planned(models, Console(file=stream, width=120))
    return stream.getvalue()


def test_totals_say_what_is_not_known() -> None:
    text = printed(
        planned("a", cached=12, images=0, seconds=0.0),
        planned("b", download=True, download_bytes=25_000_000, seconds=90.0),
        planned("c", download=True),
        planned("d", reason="no hub", layers=0, seconds=0.0),
    )
    for said in (
        "4 models, 36 layers: 12 cached, 24 to extract",
        "2 downloads, at least 25 MB",
        "time: 1 min 30 s for the others; unknown of 1 models",
        "d would fail: no hub",
    ):
        assert said in text


def test_all_known() -> None:
    text = printed(planned("a", seconds=30.0), planned("b", seconds=3600.0))
    assert "time: 1 h 00 min of forward passes" in text
    assert "download" not in text.replace("   download   ", "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (7260, "2 h 01 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
