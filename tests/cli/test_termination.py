"""SIGTERM, also while the main thread is busy outside Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from featrank.cli.termination import Terminated, ended_by_sigterm

# Some minutes inside one call of C.
BUSY = (
    "import hashlib, sys\n"
    "from featrank.cli.termination import ended_by_sigterm\n"
    "with ended_by_sigterm(0.5):\n"
    "    print('busy', flush=True)\n"
    "    hashlib.pbkdf2_hmac('sha256', b'a', b'b', 300_000_000)\n"
)


def test_a_long_call_does_not_hold_the_end_up() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"busy\n"
        time.sleep(0.5)  # until it is inside
        sent = time.monotonic()
        process.terminate()
        assert process.wait(30) == 143
        assert time.monotonic() - sent < 5
        assert process.stderr is not None
        assert process.stderr.read().startswith(b"terminated")


def test_the_orderly_way_out_comes_first() -> None:
    with pytest.raises(Terminated), ended_by_sigterm(0.1):
        signal.raise_signal(signal.SIGTERM)
    time.sleep(0.2)  # and nothing ends this process afterwards


def test_another_processes_signal_is_not_ours() -> None:
    with ended_by_sigterm(0.1):
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, lambda *_: None)
            os.kill(os.getpid(), signal.SIGTERM)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        time.sleep(0.3)


def test_what_was_there_is_there_again() -> None:
    before = signal.set_wakeup_fd(-1)
    with ended_by_sigterm():
        assert signal.set_wakeup_fd(signal.set_wakeup_fd(-1)) == -1
    assert signal.set_wakeup_fd(before) == -1
