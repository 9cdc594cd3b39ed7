"""Ctrl-C and SIGTERM end the program soon, whatever it is computing.

Python runs signal handlers between its own instructions, so a batch that takes a minute would hold
the end up for a minute; and an exception that a handler raises inside a destructor or a hook is
dropped. A thread therefore watches for both signals and, when the orderly way out takes too long or
a second signal asks for haste, ends the process. What is on disk stays valid: every file is renamed
into place whole, the system drops locks with their owner, and decoders end with their parent.

Nothing here imports more than start-up needs: a signal may come while the rest is imported.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from featrank.storage.temporary import remove_temporary_folders

GRACE_S = 2.0
# Closer together two signals are one wish: `timeout` and some shells send theirs twice.
_ONE_WISH_S = 0.25
EXIT_CODES = {int(signal.SIGINT): 130, int(signal.SIGTERM): 143}
_WORDS = {130: "interrupted", 143: "terminated"}
# On the pipe of signals: no signal has this number.
_STOP = b"\0"


class Terminated(BaseException):
    """SIGTERM: unwinds like Ctrl-C, so that files in flight are cleaned up."""


@contextmanager
def ended_by_signals(grace: float = GRACE_S) -> Iterator[list[int]]:
    """Within the block signals raise, and end the process after the grace; yields those that came.

    SIGINT raises KeyboardInterrupt, SIGTERM :class:`Terminated`. A signal that is ignored (as in a
    job in a shell's background) stays ignored.

    Args:
        grace: Seconds for the orderly way out.
    """
    received: list[int] = []

    def note(number: int, _frame: FrameType | None) -> NoReturn:
        received.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fd_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {
        number: signal.signal(number, note)
        for number in EXIT_CODES
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    watcher = threading.Thread(target=_watch, args=(reader, grace), daemon=True)
    watcher.start()
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(fd_before)
        # Not by closing it: a forked process may hold the writing end too.
        os.write(writer, _STOP)
        watcher.join()
        os.close(writer)
        os.close(reader)


def leave(code: int) -> NoReturn:
    """End now: without waiting for threads or for libraries to take themselves apart."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    remove_temporary_folders()
    os._exit(code)


def ending_line(code: int) -> str:
    """What the user is told."""
    return f"{_WORDS[code]}: what is finished is kept; the same command goes on from there\n"


def _watch(reader: int, grace: float) -> None:
    while (received := os.read(reader, 1)) not in (_STOP, b""):
        code = EXIT_CODES.get(received[0])
        if code is not None:
            _end_after(reader, grace, code)
            return


def _end_after(reader: int, grace: float, code: int) -> None:
    first = time.monotonic()
    while (left := first + grace - time.monotonic()) > 0:
        readable, _, _ = select.select([reader], [], [], left)
        if not readable:
            break
        received = os.read(reader, 1)
        if received in (_STOP, b""):
            return
        if received[0] in EXIT_CODES and time.monotonic() - first > _ONE_WISH_S:
            break
    with suppress(OSError):
        os.write(2, ending_line(code).encode())
    remove_temporary_folders()
    os._exit(code)


def _forget_in_child() -> None:
    """A signal to a decoding process is not one to us, though it has our pipe."""
    signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget_in_child)
