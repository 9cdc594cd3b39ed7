"""SIGTERM ends the program soon, whatever it is computing.

Python runs signal handlers between its own instructions, so a batch that takes a minute would hold
the end up for a minute. A thread therefore watches for the signal and, when the orderly way out
takes too long, ends the process. What is on disk stays valid: every file is renamed into place
whole, and the system drops locks with their owner.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

# Clusters kill for good some seconds after SIGTERM; five is what we promise.
GRACE_S = 3.5
EXIT_CODE = 143


class Terminated(BaseException):
    """SIGTERM: unwinds like Ctrl-C, so that files in flight are cleaned up."""


@contextmanager
def ended_by_sigterm(grace: float = GRACE_S) -> Iterator[None]:
    """Within the block SIGTERM raises :class:`Terminated`, and ends the process after the grace."""
    signal.signal(signal.SIGTERM, _raise)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(reader, grace), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)
        watcher.join()
        os.close(reader)


def _raise(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _watch(reader: int, grace: float) -> None:
    # Nothing comes any more once the writing end is closed.
    while received := os.read(reader, 1):
        if received[0] == signal.SIGTERM:
            _end_after(reader, grace)


def _end_after(reader: int, grace: float) -> None:
    end = time.monotonic() + grace
    while (left := end - time.monotonic()) > 0:
        readable, _, _ = select.select([reader], [], [], left)
        if readable and not os.read(reader, 1):
            return
    os.write(2, b"terminated: at once; what is finished is kept\n")
    os._exit(EXIT_CODE)


def _forget_in_child() -> None:
    """A signal to a decoding process is not one to us, though it has our pipe."""
    signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget_in_child)
