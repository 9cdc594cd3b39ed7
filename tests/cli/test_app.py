"""Every ending of the program has its exit code."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from featrank.errors import IncompleteError, InputError

Main = Callable[..., Any]


def failing(error: BaseException) -> Callable[[], None]:
    def app() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("no such folder", "mkdir it"), 2, "error: no such folder\nhint: mkdir it\n"),
        (IncompleteError("cache damaged"), 3, "error: cache damaged\n"),
        (KeyError("x"), 3, "unexpected KeyError"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (SystemExit(None), 0, ""),
        (SystemExit(1), 1, ""),
        (SystemExit("words"), 2, ""),
        (InputError("line\x1b[31m"), 2, r"line\x1b[31m"),
    ],
)
def test_endings(
    featrank_main: Main, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    monkeypatch.setattr("featrank.cli.app.app", failing(error))
    ended = featrank_main()
    assert ended.code == code
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("arguments", [(), ("rank",), ("nosuch",), ("rank", "--nosuch")])
def test_usage_errors_are_2(featrank_main: Main, arguments: tuple[str, ...]) -> None:
    assert featrank_main(*arguments).code == 2


def test_sigterm_is_143(featrank_process: Any) -> None:
    code = (
        "import os, signal, featrank.cli.app as m\n"
        "def app():\n    os.kill(os.getpid(), signal.SIGTERM)\n"
        "m.app = app\nm.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 143
    assert ended.stderr.startswith("terminated")


def test_a_reader_that_has_gone_is_no_error(featrank_process: Any) -> None:
    code = (
        "import sys, featrank.cli.app as m\n"
        "def app():\n    raise BrokenPipeError\n"
        "m.app = app\nm.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_help_is_quick_and_imports_nothing_heavy(featrank_process: Any) -> None:
    loaded = featrank_process("--help", PYTHONPROFILEIMPORTTIME="1")
    imported = {line.split("|")[-1].strip().split(".")[0] for line in loaded.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"torch", "torchvision", "timm", "sklearn", "scipy", "numpy", "pyarrow"}
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        assert featrank_process("--help").returncode == 0
        seconds.append(time.perf_counter() - started)
    # The quickest of five: the others measure who else is on the machine.
    assert min(seconds) < 0.5


def test_help_in_a_pipe_has_no_escape_codes(featrank_process: Any) -> None:
    ended = featrank_process("rank", "--help", NO_COLOR="1")
    assert ended.returncode == 0
    assert "\x1b" not in ended.stdout
    assert "--dataset" in ended.stdout
