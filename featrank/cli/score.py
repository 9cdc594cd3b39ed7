"""``featrank score``: scores from features that are there already."""

from __future__ import annotations

from typing import Annotated

import typer

from featrank.cli import _options as opt
from featrank.cli._takes import takes
from featrank.config import ScoreConfig


@takes()
def score(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Keys from `featrank cache list`, or files: .npz with the arrays features, labels"
            " and perhaps source_probs, .parquet with such columns."
        ),
    ],
    config: ScoreConfig,
    config_file: opt.ConfigFile = None,
    output: opt.Output = None,
    format_: opt.PrintFormat = None,
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> None:
    """Score features that are there already, without loading a model.

    Example: featrank score mine.npz --metrics gda,nb
    """
    from featrank.cache.store import FeatureStore
    from featrank.cli._console import StderrReporter, data_console
    from featrank.cli._ways_out import WaysOut
    from featrank.render.text.curve_table import print_curves
    from featrank.results.document import result_document
    from featrank.run.score_given import score_sources
    from featrank.scoring.learning_curve import CurveSettings
    from featrank.storage.file_hashes import FileHashes

    reporter = StderrReporter(quiet=quiet)
    ways_out = WaysOut(output, format_, reporter)
    root = opt.cache_directory(config.cache_dir)
    store = FeatureStore(root, FileHashes(root / "file-hashes.sqlite"), reporter.warn)
    try:
        result = score_sources(
            sources, config.metrics, config.by, store,
            shuffles=config.shuffles,
            curve=CurveSettings(config.seeds, config.seed) if config.curve else None,
        )  # fmt: skip
    finally:
        store.lease.close()
    ways_out.show(result)
    if format_ in (None, "table"):
        print_curves(result_document(result), data_console())
    if result.ranking.failed:
        raise typer.Exit(3)
