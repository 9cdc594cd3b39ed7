"""The command line: one file a command; nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from featrank.cli._streams import open_closed_streams
from featrank.cli._termination import (
    EXIT_CODES,
    Terminated,
    ended_by_signals,
    ending_line,
    leave,
    stay_finished,
)

__all__ = ["main"]


def main() -> None:
    """Run the program; never returns.

    Exit codes: 0 done; 1 a gate said no; 2 asked wrongly; 3 could not complete; 130 interrupted;
    143 terminated.
    """
    open_closed_streams()
    # Large maps on huge pages where the system has them: every batch's are cleared anew by the
    # system, which took up to half of a pass on a CPU. PyTorch reads this when it first allocates.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    received: list[int] = []
    try:
        # Before the imports: they take long enough for a signal to come in between.
        with ended_by_signals() as received:
            code = _run()
            if received:
                # Also where the exception was lost, in a destructor or for imports without a pause.
                code = EXIT_CODES[received[0]]
            if code in EXIT_CODES.values():
                with suppress(OSError):
                    sys.stderr.write(ending_line(code))
            if received:
                leave(code)
            stay_finished()
    except (KeyboardInterrupt, Terminated) as ending:  # a second signal, or between two lines
        code = _code(ending)
    if received:
        leave(code)
    sys.exit(code)


def _run() -> int:
    try:
        from featrank.cli.app import run

        return run()
    except (KeyboardInterrupt, Terminated) as ending:
        return _code(ending)
    except OSError:
        # Not even the reason can be written; Python's own 1 would look like a gate's no.
        return 3


def _code(ending: BaseException) -> int:
    return 130 if isinstance(ending, KeyboardInterrupt) else 143
