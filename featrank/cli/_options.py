"""The options that commands share, and how their values are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from featrank.cli import _config_file as config_file
from featrank.config import By, CacheDir, cache_directory, model_names, split_list
from featrank.errors import InputError

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

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_size(flag: str, text: str) -> int:
    """Bytes from text such as 20GB.

    Raises:
        InputError: It is not a size.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *([KMGT]?I?B?)", text.strip().upper())
    if match is None or match[2] not in _UNITS:
        raise InputError(f"{flag} '{text}' is not a size", f"write it as in {flag} 20GB")
    return int(float(match[1]) * _UNITS[match[2]])


def parse_age(flag: str, text: str) -> float:
    """Seconds from text such as 30d.

    Raises:
        InputError: It is not an age.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *([smhdw])", text.strip().lower())
    if match is None:
        raise InputError(f"{flag} '{text}' is not an age", f"write it as in {flag} 30d")
    return float(match[1]) * _SECONDS[match[2]]


def enable_debug(wanted: bool) -> None:
    """Tracebacks on stderr, where they are wanted."""
    if wanted:
        import logging

        logging.getLogger("featrank").setLevel(logging.DEBUG)
