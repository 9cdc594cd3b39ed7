"""Where data and talk go: stdout and stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from featrank.render.text.plain import size
from featrank.render.text.visible import as_json, talk
from featrank.reporting import Advance

# A pipe has no width; a table in it is never cut.
_PIPE_WIDTH = 10_000
_SECONDS_BETWEEN_LINES = 15


def data_console() -> Console:
    """The console of stdout."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return _DataConsole(width=width, highlight=False, legacy_windows=False, soft_wrap=False)


def print_json(document: object) -> None:
    """A document on stdout."""
    typer.echo(as_json(document))


class _DataConsole(Console):
    """Leaves it to the program how it ends when the reader has gone."""

    def on_broken_pipe(self) -> None:
        """Instead of ending with 1."""
        raise BrokenPipeError


class StderrReporter:
    """Talks on stderr: bars on a terminal, plain lines elsewhere.

    Args:
        quiet: Whether to say nothing but warnings.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)

    def say(self, message: str) -> None:
        """One line."""
        if not self._quiet:
            self._print(message, style="dim")

    def warn(self, message: str) -> None:
        """One line that quiet does not hide."""
        self._print(f"warning: {message}")

    def _print(self, message: str, style: str = "") -> None:
        # Words wrap on a terminal; elsewhere a message is one line.
        self._console.print(Text(talk(message), style), soft_wrap=not self._console.is_terminal)

    @contextmanager
    def progress(self, label: str, total: int, unit: str = "images") -> Iterator[Advance]:
        """A bar with images (or bytes) a second and time left, or a line now and then."""
        if self._quiet or total == 0:
            yield lambda _: None
        elif self._console.is_terminal and not self._console.is_dumb_terminal:
            with Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                DownloadColumn() if unit == "bytes" else MofNCompleteColumn(),
                TextColumn("{task.fields[speed]}"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            ) as bar:
                task = bar.add_task(talk(label), total=total, speed="")
                started = time.monotonic()

                def move(images: int) -> None:
                    done = bar.tasks[task].completed + images
                    speed = done / max(time.monotonic() - started, 1e-9)
                    bar.update(task, advance=images, speed=_speed(speed, unit))

                yield move
        else:
            yield self._lines(label, total, unit)

    def _lines(self, label: str, total: int, unit: str) -> Advance:
        started = last = time.monotonic()
        done = 0

        def move(images: int) -> None:
            nonlocal done, last
            done += images
            now = time.monotonic()
            if done >= total or now - last >= _SECONDS_BETWEEN_LINES:
                last = now
                speed = done / max(now - started, 1e-9)
                left = (total - done) / max(speed, 1e-9)
                share = f"{done}/{total} images" if unit == "images" else f"{done / total:.0%}"
                self.say(f"{label}: {share}, {_speed(speed, unit)}, {left:.0f} s left")

        return move


def _speed(per_second: float, unit: str) -> str:
    return f"{size(per_second)}/s" if unit == "bytes" else f"{per_second:.0f} img/s"
