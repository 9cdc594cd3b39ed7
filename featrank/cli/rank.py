"""``featrank rank``: everything from a folder to a table."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

_TARGET, _MODELS, _SCORES, _RUN, _OUTPUT = "Target", "Models", "Scores", "Running", "Output"


def rank(
    dataset: Annotated[
        str,
        typer.Option(
            help="A folder with one folder a class, or 'clipart' or 'digits', which are built in.",
            rich_help_panel=_TARGET,
        ),
    ],
    models: Annotated[
        list[str],
        typer.Option(
            help="Names, comma-separated or repeated: timm or torchvision names, wildcards,"
            " NAME@CHECKPOINT, package:NAME, random:NAME.",
            rich_help_panel=_MODELS,
        ),
    ],
    split: Annotated[
        str | None,
        typer.Option(help="Split folder; train where there are any.", rich_help_panel=_TARGET),
    ] = None,
    limit_per_class: Annotated[
        int | None, typer.Option(help="At most N images a class.", rich_help_panel=_TARGET)
    ] = None,
    max_images: Annotated[
        int | None, typer.Option(help="At most N images, stratified.", rich_help_panel=_TARGET)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the subset.", rich_help_panel=_TARGET)] = 0,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="An unusable image is an error.", rich_help_panel=_TARGET),
    ] = False,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            help="Names or wildcards, comma-separated or repeated. [default: tmi,gda,nb]",
            rich_help_panel=_SCORES,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Order by one metric. [default: mean rank]", rich_help_panel=_SCORES),
    ] = None,
    layers: Annotated[
        str,
        typer.Option(
            help="last; all; stages; N for the last N; -N for the N-th from the end; names and"
            " wildcards, comma-separated: see featrank layers MODEL.",
            rich_help_panel=_MODELS,
        ),
    ] = "last",
    pool: Annotated[
        str,
        typer.Option(
            help="auto (as the model's own head), avg, cls, max, gem or avg+std.",
            rich_help_panel=_MODELS,
        ),
    ] = "auto",
    per_layer: Annotated[
        bool,
        typer.Option("--per-layer", help="Show every layer's row.", rich_help_panel=_OUTPUT),
    ] = False,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda or mps.", rich_help_panel=_RUN)
    ] = "auto",
    precision: Annotated[
        str, typer.Option(help="float32 or bfloat16.", rich_help_panel=_RUN)
    ] = "float32",
    batch_size: Annotated[
        int, typer.Option(help="Images a forward pass.", rich_help_panel=_RUN)
    ] = 32,
    workers: Annotated[
        int | None,
        typer.Option(help="Decoding processes. [default: one a processor]", rich_help_panel=_RUN),
    ] = None,
    cache: Annotated[
        str,
        typer.Option(
            help="reuse; refresh: extract again; only: never load a model; off: keep nothing.",
            rich_help_panel=_RUN,
        ),
    ] = "reuse",
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="FEATRANK_CACHE",
            help="Where features and scores are kept. [default: the user's cache folder]",
            rich_help_panel=_RUN,
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="Also write FILE.json.", rich_help_panel=_OUTPUT),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Only the table.", rich_help_panel=_OUTPUT)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks.", rich_help_panel=_OUTPUT)
    ] = False,
) -> None:
    """Rank pretrained models on a labelled image set, without training any of them.

    Example: featrank rank --dataset ./data --models resnet50,vit_b16
    """
    if debug:
        logging.basicConfig(stream=sys.stderr, format="%(message)s")
        logging.getLogger("featrank").setLevel(logging.DEBUG)

    from featrank.cli.console import StderrReporter, data_console
    from featrank.cli.options import cache_directory, split_list
    from featrank.config import DEFAULT_METRICS, RunConfig
    from featrank.pipeline import rank_models
    from featrank.records import Selection
    from featrank.render.document import result_document
    from featrank.render.files import check_outputs, write_outputs
    from featrank.render.table import print_table

    config = RunConfig(
        dataset=dataset,
        models=tuple(models),
        metrics=split_list(metrics or DEFAULT_METRICS),
        by=by,
        layers=layers,
        pool=pool,
        selection=Selection(split, limit_per_class, max_images, seed),
        strict=strict,
        device=device,
        precision=precision,
        batch_size=batch_size,
        workers=workers,
        cache=cache,
        cache_dir=cache_directory(cache_dir),
    )
    outputs = output or []
    check_outputs(outputs)
    result = rank_models(config, StderrReporter(quiet=quiet))
    document = result_document(result)
    print_table(document, data_console(), per_layer=per_layer)
    write_outputs(outputs, document)
    if result.ranking.failed:
        raise typer.Exit(3)
