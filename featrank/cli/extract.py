"""``featrank extract``: fill the cache."""

from __future__ import annotations

import typer

from featrank.cli import _options as opt


def extract(
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
    layers: opt.Layers = "last",
    pool: opt.Pool = "auto",
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
    quiet: opt.Quiet = False,
    debug: opt.Debug = False,
) -> None:
    """Fill the cache with the features of some models, and print what was done.

    Example: featrank extract --dataset ./data --models 'resnet*' --part-rows 256
    """
    opt.enable_debug(debug)

    from featrank.cli._console import StderrReporter, data_console
    from featrank.cli._dry_run import show_plan
    from featrank.config import RunConfig
    from featrank.render.text.extracted import print_extracted
    from featrank.run.pipeline import extract_models

    config = RunConfig(
        dataset=dataset,
        models=opt.model_names(models),
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
    if dry_run:
        show_plan(config, reporter)
        return
    reports = extract_models(config, reporter)
    print_extracted(reports, data_console())
    if any(report.reason for report in reports):
        raise typer.Exit(3)
