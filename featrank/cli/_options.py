"""The options that commands share beside those of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from featrank.cli import _config_file as config_file
from featrank.config import By, CacheDir, cache_directory, model_names, split_list

__all__ = ["By", "CacheDir", "cache_directory", "model_names", "split_list"]

_RUN, _OUTPUT = "Running", "Output"

PerLayer = Annotated[
    bool, typer.Option("--per-layer", help="Show every layer's row.", rich_help_panel=_OUTPUT)
]
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        help="Also write FILE: .json, .csv, .parquet, .md or .html. Repeats.",
        rich_help_panel=_OUTPUT,
    ),
]
PrintFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="Print json, csv or md rather than the table.",
        rich_help_panel=_OUTPUT,
    ),
]
GitHub = Annotated[
    bool | None,
    typer.Option(
        "--github/--no-github",
        help="Write the step summary and annotations. [default: where GITHUB_ACTIONS=true]",
        rich_help_panel=_OUTPUT,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what would be done, do nothing.", rich_help_panel=_RUN),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="FEATRANK_CONFIG",
        metavar="FILE.toml",
        is_eager=True,
        callback=config_file.load,
        help="Flags from a file; see configs/.",
        rich_help_panel=_RUN,
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No talk on stderr.", rich_help_panel=_OUTPUT)
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel=_OUTPUT)]


def enable_debug(wanted: bool) -> None:
    """Tracebacks on stderr, where they are wanted."""
    if wanted:
        import logging

        logging.getLogger("featrank").setLevel(logging.DEBUG)
