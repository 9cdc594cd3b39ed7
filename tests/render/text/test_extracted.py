import io

from rich.console import Console

from featrank.records import CACHED, FAILED, OK, ExtractionReport, ModelRef
from featrank.render.text.extracted import print_extracted


def model(name: str) -> ModelRef:
    return ModelRef(name, "timm", name, name)


REPORTS = [
    ExtractionReport(model("resnet50"), OK, 240, "0a1b2c", 238, 2048, 96.5),
    ExtractionReport(model("vit"), CACHED, 0, "3d4e5f", 238, 768),
    ExtractionReport(model("a\x1b[31m"), FAILED, reason="no hub", hint="set HF_ENDPOINT"),
]


def printed(width: int = 120) -> list[list[str]]:
    stream = io.StringIO()
    print_extracted(REPORTS, Console(file=stream, width=width))
    assert "\x1b" not in stream.getvalue()
    return [line.split() for line in stream.getvalue().splitlines()]


def test_each_model_has_its_row_and_the_images_are_added_up() -> None:
    lines = printed()
    assert lines[1] == ["model", "status", "rows", "width", "forwarded", "img/s", "key"]
    assert lines[3] == ["resnet50", "ok", "238", "2048", "240", "96", "0a1b2c"]
    assert lines[4] == ["vit", "cached", "238", "768", "0", "–", "3d4e5f"]
    assert lines[5] == [r"a\x1b[31m", "failed", "–", "–", "0", "–", "–"]
    assert lines[7] == ["forwarded", "240", "images"]
    assert " ".join(lines[8]) == r"a\x1b[31m failed: no hub → set HF_ENDPOINT"


def test_a_narrow_terminal_keeps_the_keys_which_other_commands_take() -> None:
    assert printed(50)[1] == ["model", "status", "rows", "forwarded", "key"]
