"""The program, and how each of its endings becomes an exit code."""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from featrank.cli.cache import cache
from featrank.cli.extract import extract
from featrank.cli.gate import gate
from featrank.cli.layers import layers
from featrank.cli.metrics import metrics
from featrank.cli.models import models
from featrank.cli.rank import rank
from featrank.cli.score import score
from featrank.cli.table import table
from featrank.cli.termination import EXIT_CODE, Terminated, ended_by_sigterm
from featrank.errors import FeatrankError

app = typer.Typer(
    name="featrank",
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

        typer.echo(f"featrank {__version__}")
        raise typer.Exit


@app.callback()
def featrank(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Shared options of all commands."""


def main() -> None:
    """Run the program; never returns.

    Exit codes: 0 done; 1 a gate said no; 2 asked wrongly; 3 could not complete; 130 interrupted;
    143 terminated.
    """
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        # Typer takes every run under GitHub Actions for one on a terminal, escape codes and all.
        os.environ.setdefault("_TYPER_FORCE_DISABLE_TERMINAL", "1")
    with ended_by_sigterm():
        code = _run()
    sys.exit(code)


def _run() -> int:  # noqa: PLR0911 (one return an ending)
    try:
        app()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None) * 2
    except FeatrankError as error:
        _trace(error)
        _say("error", error.message)
        if error.hint:
            _say("hint", error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted", "what is finished is kept; the same command goes on from there")
        return 130
    except Terminated:
        _say("terminated", "what is finished is kept; the same command goes on from there")
        return EXIT_CODE
    except BrokenPipeError:
        # The reader has gone, as with `featrank … | head`; nothing may be written any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # a crash must not look like a verdict
        _trace(error)
        _say(
            "error", f"unexpected {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
        )
        _say("hint", "this is a bug in featrank; run again with --debug and report what it prints")
        return 3
    return 0


def _say(kind: str, text: str) -> None:
    line = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    typer.echo(f"{kind}: {line}", err=True)


def _trace(error: Exception) -> None:
    logging.getLogger("featrank").debug("traceback", exc_info=error)
