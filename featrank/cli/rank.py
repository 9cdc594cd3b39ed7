"""``featrank rank``: everything from a folder to a table."""

from __future__ import annotations

import typer

from featrank.cli import _options as opt
from featrank.cli._takes import takes
from featrank.config import RunConfig


@takes(last_panel="Running")
def rank(
    config: RunConfig,
    per_layer: opt.PerLayer = False,
    config_file: opt.ConfigFile = None,
    dry_run: opt.DryRun = False,
    output: opt.Output = None,
    format_: opt.PrintFormat = None,
    github: opt.GitHub = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> None:
    """Rank pretrained models on a labelled image set, without training any of them.

    Example: featrank rank --dataset ./data --models resnet50,vit_b16
    """
    from featrank.cli._console import StderrReporter
    from featrank.cli._dry_run import show_plan
    from featrank.cli._ways_out import WaysOut
    from featrank.run.pipeline import rank_models

    reporter = StderrReporter(quiet=quiet)
    ways_out = WaysOut(output, format_, reporter, per_layer=per_layer, to_github=github)
    if dry_run:
        show_plan(config, reporter, format_)
        return
    result = rank_models(config, reporter, ways_out.refresh)
    ways_out.show(result)
    if result.ranking.failed:
        raise typer.Exit(3)
