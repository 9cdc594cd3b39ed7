from __future__ import annotations

import io

import pytest
from rich.console import Console

from featrank.cli import _console as console
from featrank.cli._console import StderrReporter, data_console


def test_a_pipe_has_no_width() -> None:
    assert data_console().width == 10_000


def test_talk_goes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    reporter = StderrReporter()
    reporter.say("[bold]plan[/bold]: x")
    reporter.warn("odd")
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "[bold]plan[/bold]: x\nwarning: odd\n"


def test_quiet_hides_talk_but_not_warnings(capfd: pytest.CaptureFixture[str]) -> None:
    reporter = StderrReporter(quiet=True)
    reporter.say("plan")
    with reporter.progress("m", 10) as advance:
        advance(10)
    reporter.warn("odd")
    assert capfd.readouterr().err == "warning: odd\n"


def test_lines_where_there_is_no_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_SECONDS_BETWEEN_LINES", 0)
    with StderrReporter().progress("resnet50", 20) as advance:
        advance(10)
        advance(10)
    lines = capfd.readouterr().err.splitlines()
    assert lines[0].startswith("resnet50: 10/20 images, ")
    assert lines[1].startswith("resnet50: 20/20 images, ")


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = StderrReporter()
    stream = io.StringIO()
    reporter._console = Console(file=stream, force_terminal=True, width=100, color_system=None)
    with reporter.progress("resnet50", 20) as advance:
        advance(20)
    assert "resnet50" in stream.getvalue()
    assert "20/20" in stream.getvalue()
    assert "img/s" in stream.getvalue()
