"""``featrank table``: saved results, printed and joined."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from featrank.cli import _options as opt


def table(
    results: Annotated[
        list[Path], typer.Argument(metavar="RESULT...", help="JSON files of featrank rank -o.")
    ],
    by: opt.By = None,
    per_layer: opt.PerLayer = False,
    config_file: opt.ConfigFile = None,
    output: opt.Output = None,
    format_: opt.PrintFormat = None,
    quiet: opt.Quiet = False,
    github: opt.GitHub = None,
    debug: opt.Debug = False,
) -> None:
    """Print saved results as one table: shards, lists of models, several targets.

    Example: featrank table shard-*.json -o all.json
    """
    opt.enable_debug(debug)

    from featrank.cli._console import StderrReporter, data_console
    from featrank.cli._ways_out import WaysOut
    from featrank.errors import FeatrankError, IncompleteError
    from featrank.records import Result
    from featrank.render.text.curve_table import print_curves
    from featrank.results.document import result_document
    from featrank.results.join import is_whole, join_results
    from featrank.results.read import read_result

    reporter = StderrReporter(quiet=quiet)
    ways_out = WaysOut(output, format_, reporter, per_layer=per_layer, to_github=github)
    named: dict[str, Result] = {}
    unread: list[FeatrankError] = []
    for path in results:
        try:
            named[str(path)] = read_result(path)
        except FeatrankError as error:
            unread.append(error)
            if len(unread) == len(results):
                raise
            reporter.warn(f"left out: {error.message}")
    result = join_results(named, by, reporter.warn)
    if not is_whole(result):
        reporter.warn("these results are partial: models that were asked for have no row")
    ways_out.show(result)
    if format_ in (None, "table"):
        print_curves(result_document(result), data_console())
    if unread:
        raise IncompleteError(f"{len(unread)} of {len(results)} results could not be read")
