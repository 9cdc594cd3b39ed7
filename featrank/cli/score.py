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
    output: opt.Output = None,
    debug: opt.Debug = False,
) -> None:
    """Score features that are there already, without loading a model.

    Example: featrank score mine.npz --metrics gda,nb
    """
    opt.enable_debug(debug)

    from featrank.cache.store import FeatureStore
    from featrank.cli.console import StderrReporter, data_console
    from featrank.config import DEFAULT_METRICS
    from featrank.file_hashes import FileHashes
    from featrank.render.document import result_document
    from featrank.render.files import check_outputs, write_outputs
    from featrank.render.table import print_table
    from featrank.rescore import score_sources

    outputs = output or []
    check_outputs(outputs)
    root = opt.cache_directory(cache_dir)
    store = FeatureStore(root, FileHashes(root / "file-hashes.sqlite"), StderrReporter().warn)
    names = opt.split_list(metrics or DEFAULT_METRICS)
    try:
        document = result_document(score_sources(sources, names, by, store))
    finally:
        store.lease.close()
    print_table(document, data_console())
    write_outputs(outputs, document)
