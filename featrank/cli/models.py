"""``featrank models``: what there is to choose from, and downloads ahead of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from featrank.cli import _options as opt
from featrank.cli._takes import takes
from featrank.config.catalogue import CatalogueConfig
from featrank.errors import InputError

if TYPE_CHECKING:
    from featrank.zoos import Card, Filters, Shelf


@takes()
def models(
    config: CatalogueConfig,
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATTERN]...",
            help="Names or wildcards; ZOO:PATTERN for another zoo. [default: all of timm]",
        ),
    ] = None,
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
    from featrank.cli._console import StderrReporter, data_console, print_json
    from featrank.cli._lines import put
    from featrank.render.text.model_table import print_models
    from featrank.zoos import Shelf, list_cards

    wanted, filters = opt.split_list(patterns or ()), _filters(config)
    reporter = StderrReporter(quiet=quiet)
    shelf = Shelf.at(opt.cache_directory(cache_dir), reporter=reporter)
    if prefetch:
        _prefetch(wanted, filters, config.limit, shelf)
        return
    cards: Sequence[Card] = list_cards(wanted, filters, shelf, config.sort)[: config.limit]
    if names:
        for card in cards:
            put(card.name)
    elif as_json:
        print_json([card.document for card in cards])
    else:
        print_models([card.document for card in cards], data_console())
        reporter.say(f"{len(cards)} models")


def _filters(config: CatalogueConfig) -> Filters:
    from featrank.zoos import Filters

    return Filters(
        config.exclude,
        config.most_params,
        config.min_top1,
        config.license,
        config.pretrained_on,
        config.cached,
    )


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
