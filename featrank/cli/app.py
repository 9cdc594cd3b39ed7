"""The program, and how each of its endings becomes an exit code."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from featrank.cli import main
from featrank.cli._lines import put, tell, told_logs
from featrank.cli._streams import silence_stdout
from featrank.cli.cache import cache
from featrank.cli.extract import extract
from featrank.cli.gate import gate
from featrank.cli.layers import layers
from featrank.cli.metrics import metrics
from featrank.cli.models import models
from featrank.cli.rank import rank
from featrank.cli.score import score
from featrank.cli.table import table
from featrank.errors import FeatrankError
from featrank.render.text.visible import talk
from featrank.storage.refusals import way_out

__all__ = ["app", "main", "run"]


class _Ending(BaseException):
    """An ending on its way past Typer."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(cause)
        self.cause = cause


@contextmanager
def _past_typer() -> Iterator[None]:
    try:
        yield
    except (BrokenPipeError, EOFError, KeyboardInterrupt) as ending:
        raise _Ending(ending) from ending
    except Exception as error:
        if hasattr(error, "format_message"):
            # Typer prints what was asked wrongly, with the words that were typed.
            vars(error)["message"] = talk(str(vars(error)["message"]))
        raise


class _Commands(TyperGroup):
    """Leaves us endings that Typer would make its own exit codes of.

    Its 1 for a reader that left, or for a file that ends early, would look like a gate's no.
    """

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _past_typer():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _past_typer():
            return super().invoke(ctx)


app = typer.Typer(
    name="featrank",
    cls=_Commands,
    help="Which pretrained model should I start from? Rank a model zoo on your labelled images,"
    " without training.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(rank)
app.command()(extract)
app.command()(score)
app.command()(table)
app.command()(gate)
app.add_typer(cache, name="cache")
app.command()(layers)
app.command()(metrics)
app.command()(models)


def _print_version(wanted: bool) -> None:
    if wanted:
        from featrank import __version__

        put(f"featrank {__version__}")
        raise typer.Exit


@app.callback()
def featrank(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Shared options of all commands."""


def run() -> int:
    """Run the program; returns its exit code.

    Raises:
        KeyboardInterrupt: On Ctrl-C; and what else a signal raises.
    """
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        # Typer takes every run under GitHub Actions for one on a terminal, escape codes and all.
        os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")
    for stream in (sys.stdout, sys.stderr):
        # What the terminal's encoding lacks is shown as its escape, and is no crash.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with told_logs():
        code = _ending()
    try:
        sys.stdout.flush()
    except OSError:
        silence_stdout()
        code = code or 3
    return code


def _ending() -> int:  # noqa: PLR0911 (one return an ending)
    try:
        try:
            app()
        except _Ending as ending:
            raise ending.cause from None
        finally:
            sys.stdout.flush()
    except SystemExit as ending:
        if isinstance(ending.__context__, BrokenPipeError):
            # Of a page of help, which Typer prints.
            return _reader_left()
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None) * 2
    except FeatrankError as error:
        _trace(error)
        tell(f"error: {error.message}")
        if error.hint:
            tell(f"hint: {error.hint}")
        return error.exit_code
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        _trace(error)
        where = error.filename or ("where stdout goes" if error.errno == errno.ENOSPC else "")
        tell(f"error: {where and f'{where}: '}{error.strerror or error}")
        tell(f"hint: {way_out(error)}; what is finished is kept")
        return 3
    except MemoryError as error:
        _trace(error)
        tell("error: out of memory")
        tell("hint: free memory, or use fewer --workers; what is finished is kept")
        return 3
    except Exception as error:  # a crash must not look like a verdict
        return _crash(error)
    return 0


def _reader_left() -> int:
    """The reader has gone, as with `featrank … | head`: nothing may be written any more."""
    silence_stdout()
    return 0


def _crash(error: Exception) -> int:
    _trace(error)
    line = next(iter(str(error).splitlines()), "")
    tell(f"error: unexpected {type(error).__name__}: {line}")
    tell("hint: this is a bug in featrank; run again with --debug and report what it prints")
    return 3


def _trace(error: Exception) -> None:
    logging.getLogger("featrank").debug("traceback", exc_info=error)
