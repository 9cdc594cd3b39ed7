"""``featrank extract``: fill the cache."""

from __future__ import annotations

import typer

from featrank.cli import _options as opt
from featrank.cli._takes import takes
from featrank.config import RunConfig


@takes(leave_out=("metrics", "by", "null"))
def extract(
    config: RunConfig,
    config_file: opt.ConfigFile = None,
    dry_run: opt.DryRun = False,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> None:
    """Fill the cache with the features of some models, and print what was done.

    Example: featrank extract --dataset ./data --models 'resnet*' --part-rows 256
    """
    from featrank.cli._console import StderrReporter, data_console
    from featrank.cli._dry_run import show_plan
    from featrank.render.text.extracted import print_extracted
    from featrank.run.pipeline import extract_models

    reporter = StderrReporter(quiet=quiet)
    if dry_run:
        show_plan(config, reporter)
        return
    reports = extract_models(config, reporter)
    print_extracted(reports, data_console())
    if any(report.reason for report in reports):
        raise typer.Exit(3)
