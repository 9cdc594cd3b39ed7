"""``featrank layers``: what can be named with --layers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from featrank.cli import _options as opt
from featrank.config import POOLINGS, either, one_of


def layers(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Names as for rank --models.")
    ],
    pool: Annotated[
        str, typer.Option(help=f"Widths after this pooling: {either(POOLINGS)}.")
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    cache_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="FEATRANK_CACHE",
            help="Where the lists are kept. [default: the user's cache folder]",
        ),
    ] = None,
    config_file: opt.ConfigFile = None,
) -> None:
    """List the layers of models in depth order: shape, width, stride, cost. Downloads nothing.

    Example: featrank layers resnet50
    """
    from featrank.cli._console import data_console, print_json
    from featrank.layers.index import LayerIndex
    from featrank.render.text.layer_table import layer_table
    from featrank.render.text.plain import print_lines
    from featrank.zoos import Shelf, resolve_models, zoo_of

    one_of(POOLINGS)("--pool", pool)
    directory = opt.cache_directory(cache_dir)
    shelf, index = Shelf.at(directory), LayerIndex(directory)
    document, console = {}, data_console()
    for model in resolve_models(opt.model_names(models), shelf):
        size = zoo_of(model).preprocessing(model, shelf).input_size
        known = index.get(model, size, shelf)
        document[model.id] = [layer.document for layer in known]
        if not as_json:
            print_lines([f"{model.id} at {'×'.join(map(str, size))}"], console)
            console.print(layer_table(known, pool))
    if as_json:
        print_json(document)
