"""``featrank score``: scores from features that are there already."""

from __future__ import annotations

from typing import Annotated

import typer

from featrank.cli import _options as opt


def score(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Keys from `featrank cache list`, or files: .npz with the arrays features, labels"
            " and perhaps source_probs, .parquet with such columns."
        ),
    ],
    metrics: opt.Metrics = None,
    by: opt.By = None,
    null: opt.NullCount = None,
    curve: Annotated[
        bool,
        typer.Option(
            "--curve",
            help="Also the accuracy of nb, gda and a linear probe at 1, 2, 5, 10, … shots a class.",
        ),
    ] = False,
    seeds: Annotated[int, typer.Option(help="Splits that --curve averages over.")] = 5,
    seed: opt.ScoreSeed = 0,
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
    from featrank.cli._console import StderrReporter, data_console
    from featrank.cli._ways_out import WaysOut
    from featrank.config import DEFAULT_METRICS, check_permutations, check_seeds
    from featrank.records import Shuffles
    from featrank.render.text.curve_table import print_curves
    from featrank.results.document import result_document
    from featrank.run.score_given import score_sources
    from featrank.scoring.learning_curve import CurveSettings
    from featrank.storage.file_hashes import FileHashes

    check_permutations(null)
    check_seeds(seeds)
    reporter = StderrReporter(quiet=quiet)
    ways_out = WaysOut(output, format_, reporter)
    root = opt.cache_directory(cache_dir)
    store = FeatureStore(root, FileHashes(root / "file-hashes.sqlite"), reporter.warn)
    names = opt.split_list(metrics or DEFAULT_METRICS)
    try:
        result = score_sources(
            sources, names, by, store,
            shuffles=None if null is None else Shuffles(null, seed),
            curve=CurveSettings(seeds, seed) if curve else None,
        )  # fmt: skip
    finally:
        store.lease.close()
    ways_out.show(result)
    if format_ in (None, "table"):
        print_curves(result_document(result), data_console())
    if result.ranking.failed:
        raise typer.Exit(3)
