"""SIGINT and SIGTERM, also while the main thread is busy outside Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from featrank.cli._termination import Terminated, ended_by_signals, stay_finished

# Some minutes inside one call of C.
BUSY = (
    "import hashlib, sys\n"
    "from featrank.cli._termination import ended_by_signals\n"
    "with ended_by_signals(0.5):\n"
    "    print('busy', flush=True)\n"
    "    hashlib.pbkdf2_hmac('sha256', b'a', b'b', 2_000_000_000)\n"
)


def test_a_long_call_does_not_hold_the_end_up() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"busy\n"
        time.sleep(0.5)  # until it is inside
        process.terminate()
        assert process.wait(600) == 143  # the call itself would take hours
        assert process.stderr is not None
        assert process.stderr.read().startswith(b"terminated")


def test_the_orderly_way_out_comes_first() -> None:
    with pytest.raises(Terminated), ended_by_signals(0.1):
        signal.raise_signal(signal.SIGTERM)
    time.sleep(0.2)  # and nothing ends this process afterwards


def test_another_processes_signal_is_not_ours() -> None:
    with ended_by_signals(0.1):
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, lambda *_: None)
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        time.sleep(0.3)


def test_what_was_there_is_there_again() -> None:
    before = signal.set_wakeup_fd(-1)
    with ended_by_signals():
        assert signal.set_wakeup_fd(signal.set_wakeup_fd(-1)) == -1
    assert signal.set_wakeup_fd(before) == -1


def test_a_forked_process_that_holds_the_pipe_does_not_hold_the_end_up() -> None:
    with ended_by_signals():
        child = os.fork()
        if not child:
            time.sleep(60)
            os._exit(0)
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ended_by_signals() as received:
            signal.raise_signal(signal.SIGINT)
        assert received == []
    finally:
        signal.signal(signal.SIGINT, before)


# An orderly way out that takes minutes, and a temporary folder.
STUBBORN = (
    "import time\n"
    "from featrank.cli._termination import ended_by_signals\n"
    "from featrank.storage.temporary import TemporaryFolder\n"
    "folder = TemporaryFolder()\n"
    "with ended_by_signals(300):\n"
    "    try:\n"
    "        print(folder.path, flush=True)\n"
    "        time.sleep(300)\n"
    "    finally:\n"
    "        print('leaving', flush=True)\n"
    "        [time.sleep(0.1) for _ in range(3000)]\n"
)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_at_once_and_leaves_nothing(number: int, code: int) -> None:
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        folder = process.stdout.readline().decode().strip()
        process.send_signal(number)
        assert process.stdout.readline() == b"leaving\n"
        time.sleep(0.5)  # what comes sooner is taken for the same wish
        process.send_signal(number)
        assert process.wait(60) == code
        assert not Path(folder).exists()


IMPORTING = (
    "import os, signal, sys\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from featrank.cli import main\n"
    "class Finder:\n"
    "    def find_spec(self, name, *_):\n"
    "        if name == 'typer': os.kill(os.getpid(), signal.{name})\n"
    "sys.meta_path.insert(0, Finder())\n"
    "main()\n"
)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_while_the_program_is_imported(name: str, code: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTING.replace("{name}", name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert "what is finished is kept" in ended.stderr


IMPORTING_SLOWLY = """
import os, signal, sys, time
from pathlib import Path
from featrank.cli._termination import Terminated, ended_by_signals, stay_finished
from featrank.storage.temporary import remove_at_the_end
steps = []
with ended_by_signals({grace}) as received:
    try:
        import slow_module
        steps.append("imported")
        time.sleep(60)
    except Terminated:
        steps.append("raised afterwards")
print(slow_module.reached, steps, received)
"""
SLOW = """
import os, signal, time
os.kill(os.getpid(), signal.SIGTERM)
end = time.monotonic() + {seconds}
while time.monotonic() < end:
    pass
reached = True
"""


def test_a_signal_during_an_import_is_raised_after_it(tmp_path: Path) -> None:
    """Raised inside, it would abort the process where C++ does the importing."""
    (tmp_path / "slow_module.py").write_text(SLOW.format(seconds=0.5))
    program = IMPORTING_SLOWLY.format(grace=300)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "True ['imported', 'raised afterwards'] [15]\n"


def test_an_import_without_end_does_not_hold_the_end_up_and_leaves_nothing(tmp_path: Path) -> None:
    left = tmp_path / "lease"
    left.touch()
    (tmp_path / "slow_module.py").write_text(SLOW.format(seconds=100_000))
    program = "import featrank.storage.temporary as t, pathlib\n" + (
        f"t.remove_at_the_end(pathlib.Path({str(left)!r}))\n" + IMPORTING_SLOWLY.format(grace=0.5)
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 143
    assert ended.stderr.startswith("terminated")
    assert not left.exists()


# Python restores the default action of a signal, which kills, before it runs what atexit holds.
AT_EXIT = (
    "import atexit, os, signal, sys\n"
    "atexit.register(os.kill, os.getpid(), int(sys.argv.pop()))\n"
    "from featrank.cli import main\n"
    "main()\n"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("arguments", "code"), [(["metrics"], 0), (["metrics", "--wrong"], 2)])
def test_a_signal_after_the_last_line_leaves_the_runs_own_code(
    arguments: list[str], code: int, number: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", AT_EXIT, *arguments, str(int(number))],
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == code, ended.stderr


def test_what_a_run_leaves_ignored_is_not_restored() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ended_by_signals():
            stay_finished()
        assert all(signal.getsignal(number) is signal.SIG_IGN for number in before)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
