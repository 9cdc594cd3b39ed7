"""``featrank cache``: look at the cache, check it, make room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from featrank.cli import _options as opt
from featrank.cli._lines import put, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from featrank.cache.listing import Entry
    from featrank.cache.store import FeatureStore

cache = typer.Typer(help="Look at the feature cache, check it, make room.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(help="A key from `cache list`, or its first letters.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def _store(cache_dir: Path | None) -> FeatureStore:
    from featrank.cache.store import FeatureStore
    from featrank.cli._console import StderrReporter
    from featrank.storage.file_hashes import FileHashes

    root = opt.cache_directory(cache_dir)
    return FeatureStore(root, FileHashes(root / "file-hashes.sqlite"), StderrReporter().warn)


@cache.command("dir")
def show_dir(cache_dir: opt.CacheDir = None, config_file: opt.ConfigFile = None) -> None:
    """Print where the cache is."""
    put(str(opt.cache_directory(cache_dir)))


@cache.command("list")
def list_all(
    as_json: Json = False, cache_dir: opt.CacheDir = None, config_file: opt.ConfigFile = None
) -> None:
    """List the layers that are cached, those used last first."""
    from featrank.cache.listing import describe, list_entries, refuse_closed
    from featrank.cli._console import print_json

    store = _store(cache_dir)
    entries = list_entries(store)
    if as_json:
        print_json([{"id": entry.key, **describe(entry)} for entry in entries])
    else:
        _print_entries(entries)
    refuse_closed(store)


@cache.command()
def show(key: Key, cache_dir: opt.CacheDir = None, config_file: opt.ConfigFile = None) -> None:
    """Print all that is known of one layer, as JSON."""
    from featrank.cache.listing import describe, find_entry
    from featrank.cli._console import print_json

    print_json(describe(find_entry(_store(cache_dir), key)))


@cache.command()
def verify(
    cache_dir: opt.CacheDir = None, config_file: opt.ConfigFile = None, debug: opt.Debug = False
) -> None:
    """Read every byte and compare checksums; exit 3 where something is damaged."""
    opt.enable_debug(debug)

    from featrank.cache.listing import refuse_closed
    from featrank.errors import IncompleteError

    store = _store(cache_dir)
    damages = []
    layers = 0
    for directory, _ in store.layers():
        layers += 1
        damages += store.verify(directory)
    for damage in damages:
        put(f"damaged: {damage}")
    put(f"{layers} layers checked, {len(damages)} damaged files")
    if damages and not store.closed:
        raise IncompleteError(
            f"{len(damages)} damaged files in the cache",
            "the next run that needs them extracts just these parts again",
        )
    refuse_closed(store)


@cache.command()
def prune(
    older_than: Annotated[str | None, typer.Option(help="Not used for so long, as in 30d.")] = None,
    max_size: Annotated[
        str | None, typer.Option(help="Until no more than this stays, as in 20GB.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Only models that match.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    cache_dir: opt.CacheDir = None,
    config_file: opt.ConfigFile = None,
) -> None:
    """Remove layers, but nothing that a running process uses, and nothing outside the cache."""
    from featrank.cache.listing import refuse_closed, total_bytes
    from featrank.cache.prune import Policy
    from featrank.cache.prune import prune as run
    from featrank.cache.writer import explained_write
    from featrank.config.amounts import BYTES, SECONDS
    from featrank.errors import InputError
    from featrank.render.text.plain import size

    if older_than is None and max_size is None and model is None:
        raise InputError("prune what?", "say --older-than 30d, --max-size 20GB or --model PATTERN")
    policy = Policy(
        SECONDS.parse("--older-than", older_than) if older_than else None,
        int(BYTES.parse("--max-size", max_size)) if max_size else None,
        model,
    )
    store = _store(cache_dir)
    with explained_write(store.root, 0):
        removed, kept = run(store, policy, dry_run=dry_run)
    for entry in removed:
        names = (entry.model, entry.layer_name, entry.target)
        put("  ".join([entry.key, *names, size(entry.bytes)]))
    verb = "would remove" if dry_run else "removed"
    put(f"{verb} {len(removed)} layers, {size(total_bytes(removed))}")
    if kept:
        tell(f"kept {len(kept)} layers that are in use")
    refuse_closed(store)


@cache.command()
def export(
    key: Key,
    file: Annotated[Path, typer.Argument(help="FILE.npz or FILE.parquet.")],
    cache_dir: opt.CacheDir = None,
    config_file: opt.ConfigFile = None,
) -> None:
    """Write one layer as a single file for other tools."""
    from featrank.cache.export import export_layer
    from featrank.cache.listing import find_entry
    from featrank.errors import IncompleteError, InputError

    store = _store(cache_dir)
    entry = find_entry(store, key)
    if entry.layer is None:
        raise IncompleteError(f"{entry.key} is not complete", "run the extraction again")
    if damages := store.verify(entry.directory):
        raise IncompleteError(f"damaged: {damages[0]}", "run the extraction again")
    try:
        export_layer(store, entry.layer, file)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error


def _print_entries(entries: Sequence[Entry]) -> None:
    from datetime import datetime

    from featrank.cache.listing import total_bytes
    from featrank.cli._console import data_console
    from featrank.render.text.plain import print_columns, size

    manifests = [entry.layer.manifest if entry.layer else None for entry in entries]
    print_columns(
        {
            "key": [entry.key for entry in entries],
            "model": [entry.model for entry in entries],
            "layer": [entry.layer_name for entry in entries],
            "target": [entry.target for entry in entries],
            "rows": [str(m.n_rows) if m else "–" for m in manifests],
            "width": [str(m.n_features) if m else "–" for m in manifests],
            "size": [size(entry.bytes) for entry in entries],
            "last use": [
                f"{datetime.fromtimestamp(entry.last_use).astimezone():%Y-%m-%d %H:%M}"
                for entry in entries
            ],
        },
        data_console(),
        left=("key", "model", "layer", "target"),
        dispensable=("width", "layer", "size"),
    )
    put(f"{len(entries)} layers, {size(total_bytes(entries))}")
