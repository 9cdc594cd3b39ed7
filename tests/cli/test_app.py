"""Every ending of the program has its exit code."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
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
        (OSError(errno.EMFILE, "Too many open files", "a.png"), 3, "hint: allow more open files"),
        (OSError(errno.EACCES, "Permission denied", "a"), 3, "error: a: Permission denied"),
        (MemoryError(), 3, "error: out of memory"),
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
        "import os, signal, featrank.cli as cli, featrank.cli.app as m\n"
        "def app():\n    os.kill(os.getpid(), signal.SIGTERM)\n"
        "m.app = app\ncli.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 143
    assert ended.stderr.startswith("terminated")


def test_a_reader_that_has_gone_is_no_error(featrank_process: Any) -> None:
    code = (
        "import sys, featrank.cli as cli, featrank.cli.app as m\n"
        "def app():\n    raise BrokenPipeError\n"
        "m.app = app\ncli.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["--version", "rank --help", "metrics", "metrics --json"])
def test_a_pipe_that_nobody_reads_is_no_verdict(arguments: str) -> None:
    """1 would be a gate's no."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "featrank", *arguments.split()]
    try:
        ended = subprocess.run(
            command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=600, check=False
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_terminal_that_lacks_letters_shows_their_escapes(featrank_process: Any) -> None:
    ended = featrank_process("metrics", "gda", PYTHONIOENCODING="ascii")
    assert ended.returncode == 0
    assert r"argmax_c  z\xb7P \u03bc_c" in ended.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_named() -> None:
    command = f"{sys.executable} -m featrank metrics > /dev/full"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert "No space left" in ended.stderr
    assert "bug" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", ["table nope.json", "gate nope.json --fail-under nb=0.01"])
def test_a_reason_that_cannot_be_written_is_no_verdict(arguments: str) -> None:
    command = f"{sys.executable} -m featrank {arguments} 2>/dev/full"
    assert subprocess.run(command, shell=True, check=False).returncode == 3


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_the_caller_closed(closed: str, tmp_path: Path) -> None:
    command = f"{sys.executable} -m featrank metrics {closed}"
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert ended.stderr == ""


def test_an_interrupt_is_130_and_says_what_is_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "f.npz", features=rng.standard_normal((400, 64)), labels=np.arange(400) % 4)
    command = [sys.executable, "-m", "featrank", "score", str(tmp_path / "f.npz")]
    process = subprocess.Popen(
        [*command, "--metrics", "gda,linear", "--null", "100000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(6)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130
    assert said.startswith("interrupted")


def test_help_imports_nothing_heavy(featrank_process: Any) -> None:
    loaded = featrank_process("--help", PYTHONPROFILEIMPORTTIME="1")
    imported = {line.split("|")[-1].strip().split(".")[0] for line in loaded.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"torch", "torchvision", "timm", "sklearn", "scipy", "numpy", "pyarrow"}


def test_help_in_a_pipe_has_no_escape_codes(featrank_process: Any) -> None:
    ended = featrank_process("rank", "--help", NO_COLOR="1")
    assert ended.returncode == 0
    assert "\x1b" not in ended.stdout
    assert "--dataset" in ended.stdout
