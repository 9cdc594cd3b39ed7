"""Standard streams that are not there, or lead nowhere."""

from __future__ import annotations

import os
import sys


def open_closed_streams() -> None:
    """Stand-ins for streams that the caller closed (``>&-``).

    Without them the next file opened would become stdout, and a table be printed into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            stream = os.fdopen(number, "w", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)


def silence_stdout() -> None:
    """What is still to be flushed goes nowhere; at the exit it could only fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
