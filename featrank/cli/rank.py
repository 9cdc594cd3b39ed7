"""``featrank rank``: everything from a folder to a table."""

from __future__ import annotations

import typer

from featrank.cli import _options as opt


def rank(
    dataset: opt.Dataset,
    models: opt.Models,
    split: opt.Split = None,
    classes: opt.Classes = None,
    exclude_classes: opt.ExcludeClasses = None,
    min_per_class: opt.MinPerClass = None,
    limit_per_class: opt.LimitPerClass = None,
    shots: opt.Shots = None,
    max_images: opt.MaxImages = None,
    seed: opt.Seed = 0,
    root: opt.Root = None,
    strict: opt.Strict = False,
    allow_skipped: opt.AllowSkipped = False,
    allow_partial: opt.AllowPartial = False,
    metrics: opt.Metrics = None,
    by: opt.By = None,
    null: opt.NullCount = None,
    layers: opt.Layers = "last",
    pool: opt.Pool = "auto",
    per_layer: opt.PerLayer = False,
    shard: opt.Shard = None,
    device: opt.Device = "auto",
    precision: opt.Precision = "float32",
    batch_size: opt.BatchSize = 32,
    workers: opt.Workers = None,
    cache: opt.CacheMode = "reuse",
    cache_dir: opt.CacheDir = None,
    part_rows: opt.PartRows = None,
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
    opt.enable_debug(debug)

    from featrank.cli._console import StderrReporter
    from featrank.cli._dry_run import show_plan
    from featrank.cli._ways_out import WaysOut
    from featrank.config import DEFAULT_METRICS, RunConfig
    from featrank.run.pipeline import rank_models

    config = RunConfig(
        dataset=dataset,
        models=opt.model_names(models),
        metrics=opt.split_list(metrics or DEFAULT_METRICS),
        by=by,
        null=null,
        layers=layers,
        pool=pool,
        selection=opt.selection(
            split, classes, exclude_classes, min_per_class, limit_per_class, shots, max_images, seed
        ),
        root=root,
        strict=strict,
        allow_skipped=allow_skipped,
        allow_partial=allow_partial,
        device=device,
        precision=precision,
        batch_size=batch_size,
        workers=workers,
        cache=cache,
        cache_dir=opt.cache_directory(cache_dir),
        rows_per_part=part_rows,
        shard=shard,
    )
    reporter = StderrReporter(quiet=quiet)
    ways_out = WaysOut(output, format_, reporter, per_layer=per_layer, to_github=github)
    if dry_run:
        show_plan(config, reporter, format_)
        return
    result = rank_models(config, reporter, ways_out.refresh)
    ways_out.show(result)
    if result.ranking.failed:
        raise typer.Exit(3)
