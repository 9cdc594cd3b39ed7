"""Lines on stdout and stderr: nothing from outside acts on the terminal or the log they land in."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from featrank.render.text.visible import talk


def put(line: str) -> None:
    """A line of data on stdout."""
    _write(line, sys.stdout)


def tell(line: str) -> None:
    """A line of talk on stderr."""
    _write(line, sys.stderr)


def _write(line: str, stream: TextIO) -> None:
    stream.write(f"{talk(line)}\n")
    stream.flush()


@contextmanager
def told_logs() -> Iterator[None]:
    """Within the block the log, and the warnings of libraries, are talk as well."""
    handler, root, formatted = _ToStderr(), logging.getLogger(), warnings.formatwarning
    root.addHandler(handler)
    warnings.formatwarning = lambda message, *_: talk(f"warning: {message}") + "\n"
    try:
        yield
    finally:
        warnings.formatwarning = formatted
        root.removeHandler(handler)


class _ToStderr(logging.Handler):
    """Writes where stderr leads at the time: a progress bar takes its place."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            for line in _lines(record):
                tell(line)
        except Exception:
            self.handleError(record)


def _lines(record: logging.LogRecord) -> Iterator[str]:
    """A message is one line, a traceback several."""
    yield record.getMessage()
    if record.exc_info:
        # Not by a formatter: it would take over the text that another one made.
        yield from "".join(traceback.format_exception(*record.exc_info)).rstrip("\n").split("\n")
