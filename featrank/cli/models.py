"""``featrank models``: what there is to choose from, and downloads ahead of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from featrank.cli import _options as opt
from featrank.errors import InputError

if TYPE_CHECKING:
    from featrank.zoos import Card, Filters, Shelf

_COUNTS = {"": 1, "K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9}


def models(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATTERN]...",
            help="Names or wildcards; ZOO:PATTERN for another zoo. [default: all of timm]",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Wildcards to leave out; repeatable.")
    ] = None,
    max_params: Annotated[str | None, typer.Option(help="At most so many, as in 30M.")] = None,
    min_top1: Annotated[
        float | None, typer.Option(help="At least this published ImageNet top-1, in percent.")
    ] = None,
    license: Annotated[  # noqa: A002 (the flag's name)
        str | None, typer.Option(help="A licence or a wildcard: apache-2.0, 'cc-by-nc*'.")
    ] = None,
    pretrained_on: Annotated[
        str | None, typer.Option(help="Data that the tag names: in21k, 'laion*'.")
    ] = None,
    cached: Annotated[
        bool, typer.Option("--cached", help="Only those whose weights are on this machine.")
    ] = False,
    sort: Annotated[
        str | None, typer.Option(help="name, params, macs, width, input or top1.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first N.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Print names only, for rank --models @-.")
    ] = False,
    prefetch: Annotated[
        bool,
        typer.Option(
            "--prefetch", help="Download the weights that rank --models PATTERN would load."
        ),
    ] = False,
    cache_dir: opt.CacheDir = None,
    config_file: opt.ConfigFile = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> None:
    """List models with size, cost, accuracy and licence. Without --prefetch no network is used.

    Example: featrank models 'resnet*' --max-params 30M --sort top1 --limit 10
    """
    opt.enable_debug(debug)

    from featrank.cli._console import StderrReporter, data_console, print_json
    from featrank.cli._lines import put
    from featrank.render.text.model_table import print_models
    from featrank.zoos import Filters, Shelf, list_cards

    filters = Filters(
        opt.split_list(exclude or ()),
        None if max_params is None else parse_count("--max-params", max_params),
        min_top1,
        license,
        pretrained_on,
        cached,
    )
    wanted = opt.split_list(patterns or ())
    reporter = StderrReporter(quiet=quiet)
    shelf = Shelf.at(opt.cache_directory(cache_dir), reporter=reporter)
    if prefetch:
        _prefetch(wanted, filters, limit, shelf)
        return
    cards: Sequence[Card] = list_cards(wanted, filters, shelf, sort)[:limit]
    if names:
        for card in cards:
            put(card.name)
    elif as_json:
        print_json([card.document for card in cards])
    else:
        print_models([card.document for card in cards], data_console())
        reporter.say(f"{len(cards)} models")


def parse_count(flag: str, text: str) -> float:
    """A number from text such as 30M.

    Raises:
        InputError: It is not a number.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *([KMBG]?)", text.strip().upper())
    if match is None:
        raise InputError(f"{flag} '{text}' is not a number", f"write it as in {flag} 30M")
    return float(match[1]) * _COUNTS[match[2]]


def _prefetch(patterns: Sequence[str], filters: Filters, limit: int | None, shelf: Shelf) -> None:
    """Download what is missing; exit 3 where something cannot be had."""
    from featrank.cli._console import data_console
    from featrank.render.text.plain import print_columns, print_lines
    from featrank.run.downloads import prefetch_weights
    from featrank.zoos import Filters

    if not patterns:
        raise InputError("prefetch what?", "name models: featrank models resnet50 --prefetch")
    rows = prefetch_weights(patterns, None if filters == Filters() else filters, limit, shelf)
    console = data_console()
    print_columns(
        {
            "model": [row.model.id for row in rows],
            "weights": [row.status for row in rows],
            "where": [str(row.path or "") for row in rows],
        },
        console,
        left=("model", "weights", "where"),
    )
    failed = [row for row in rows if row.error is not None]
    for row in failed:
        if row.error is not None:
            way_out = f" → {row.error.hint}" if row.error.hint else ""
            print_lines([f"{row.model.requested} failed: {row.error.message}{way_out}"], console)
    if failed:
        raise typer.Exit(3)
