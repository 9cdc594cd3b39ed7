"""``featrank score``: scores from features that are there already."""

from __future__ import annotations

from typing import Annotated

import typer

from featrank.cli import options as opt


def score(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Keys from `featrank cache list`, or files: .npz with the arrays features and"
            " labels, .parquet with such columns."
        ),
    ],
    metrics: opt.Metrics = None,
    by: opt.By = None,
    cache_dir: opt.CacheDir = None,
    config_file: opt.ConfigFile = None,
    output: opt.Output = None,
    format_: opt.PrintFormat = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> None:
    """Score features that are there already, without loading a model.

    Example: featrank score mine.npz --metrics gda,nb
    """
    opt.enable_debug(debug)

    from featrank.cache.store import FeatureStore
    from featrank.cli.console import StderrReporter
    from featrank.cli.ways_out import WaysOut
    from featrank.config import DEFAULT_METRICS
    from featrank.file_hashes import FileHashes
    from featrank.rescore import score_sources

    reporter = StderrReporter(quiet=quiet)
    ways_out = WaysOut(output, format_, reporter)
    root = opt.cache_directory(cache_dir)
    store = FeatureStore(root, FileHashes(root / "file-hashes.sqlite"), reporter.warn)
    names = opt.split_list(metrics or DEFAULT_METRICS)
    try:
        result = score_sources(sources, names, by, store)
    finally:
        store.lease.close()
    ways_out.show(result)
