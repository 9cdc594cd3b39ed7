"""Ctrl-C and SIGTERM end the program soon, whatever it is computing.

Python runs signal handlers between its own instructions, so a batch that takes a minute would hold
the end up for a minute; and an exception that a handler raises inside a destructor or a hook is
dropped. One that it raises while a library written in C++ is being imported may abort the process:
it is raised after the import. A thread therefore watches for both signals and, when the orderly way
out takes too long or a second signal asks for haste, ends the process. What is on disk stays valid:
every file is renamed into place whole, the system drops locks with their owner, and decoders end
with their parent.

Nothing here imports more than start-up needs: a signal may come while the rest is imported.
"""

from __future__ import annotations

import _thread
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

from featrank.storage.temporary import remove_temporaries

GRACE_S = 2.0
# Closer together two signals are one wish: `timeout` and some shells send theirs twice.
_ONE_WISH_S = 0.25
EXIT_CODES = {int(signal.SIGINT): 130, int(signal.SIGTERM): 143}
_WORDS = {130: "interrupted", 143: "terminated"}
# How often a signal that came during an import is tried again.
_AGAIN_S = 0.02
# On the pipe of signals: no signal has this number.
_STOP = b"\0"
_IMPORT_SYSTEM = "<frozen importlib._bootstrap>"


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

    def note(number: int, frame: FrameType | None) -> None:
        if not received:
            received.append(number)
        if _is_importing(frame):
            watching.put_off(number)
            return
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated

    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    fd_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    before = {
        number: signal.signal(number, note)
        for number in EXIT_CODES
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    watching = _Watcher(reader, grace)
    watcher = threading.Thread(target=watching.run, daemon=True)
    watcher.start()
    try:
        yield received
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is note:
                signal.signal(number, handler)
        signal.set_wakeup_fd(fd_before)
        # Not by closing it: a forked process may hold the writing end too.
        os.write(writer, _STOP)
        watcher.join()
        os.close(writer)
        os.close(reader)


def stay_finished() -> None:
    """From here on signals change nothing: the work is done, and its exit code stands.

    While Python takes itself apart it can run no handler, so a signal would kill the process: what
    has said everything would end as if it had been cut off.
    """
    for number in EXIT_CODES:
        signal.signal(number, signal.SIG_IGN)


def leave(code: int) -> NoReturn:
    """End now: without waiting for threads or for libraries to take themselves apart."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    remove_temporaries()
    os._exit(code)


def ending_line(code: int) -> str:
    """What the user is told."""
    return f"{_WORDS[code]}: what is finished is kept; the same command goes on from there\n"


class _Watcher:
    """Reads the signals that come, and ends the process where they have not.

    Args:
        reader: The end of a pipe that every signal is written to.
        grace: Seconds for the orderly way out.
    """

    def __init__(self, reader: int, grace: float) -> None:
        self._reader = reader
        self._grace = grace
        self._put_off: int | None = None
        self._own = 0

    def put_off(self, number: int) -> None:
        """The handler could not raise for this signal: it is to be called again."""
        self._put_off = number

    def run(self) -> None:
        """Wait for a signal, then for the end."""
        while (received := os.read(self._reader, 1)) not in (_STOP, b""):
            code = EXIT_CODES.get(received[0])
            if code is not None:
                self._end_after(code)
                return

    def _end_after(self, code: int) -> None:
        first = time.monotonic()
        while (left := first + self._grace - time.monotonic()) > 0:
            readable, _, _ = select.select([self._reader], [], [], min(left, _AGAIN_S))
            if not readable:
                self._try_again()
                continue
            received = os.read(self._reader, 1)
            if received in (_STOP, b""):
                return
            if received[0] not in EXIT_CODES:
                continue
            if self._own:
                self._own -= 1
            elif time.monotonic() - first > _ONE_WISH_S:
                break
        with suppress(OSError):
            os.write(2, ending_line(code).encode())
        remove_temporaries()
        os._exit(code)

    def _try_again(self) -> None:
        """As if the signal that was put off came now; it is then read from the pipe once more."""
        number, self._put_off = self._put_off, None
        if number is not None:
            self._own += 1
            _thread.interrupt_main(signal.Signals(number))


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT_SYSTEM:
            return True
        frame = frame.f_back
    return False


def _forget_in_child() -> None:
    """A signal to a decoding process is not one to us, though it has our pipe."""
    signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget_in_child)
