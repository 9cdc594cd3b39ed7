"""``featrank metrics``: what there is to score with."""

from __future__ import annotations

from typing import Annotated

import typer

from featrank.cli import _options as opt


def metrics(
    name: Annotated[
        str | None, typer.Argument(help="One metric, in full: formula, traps, reference.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config_file: opt.ConfigFile = None,
) -> None:
    """List the metrics, or tell all about one.

    Example: featrank metrics tmi
    """
    from featrank.cli._console import data_console, print_json
    from featrank.metrics import LEFT_OUT, LEGEND, METRICS, describe
    from featrank.render.text.metric_table import print_metric, print_metrics

    if name is not None:
        one = describe(METRICS.get(name))
        if as_json:
            print_json(one)
        else:
            print_metric(one, data_console())
        return
    every = [describe(metric) for metric in METRICS]
    if as_json:
        print_json(every)
    else:
        print_metrics(every, data_console(), [LEGEND, LEFT_OUT])
