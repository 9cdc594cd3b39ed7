"""What was chosen for a target, remembered by its content: looking again would take minutes.

A convenience, as the memory of hashes is: where it cannot be read or written, one looks again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from featrank.storage.contained import ClaimError
from featrank.storage.digest import digest_json
from featrank.storage.kept_json import read_kept, typed, write_kept
from featrank.targets._plugin_formats import PLUGINS
from featrank.targets._range_choice import Choice

# Raise it when the same images would be read otherwise.
_LAW = 1
_FILE = "value-ranges.json"
_MAX_KEPT = 100


def choice_name(digests: Collection[str], value_range: str) -> str:
    """What a choice depends on.

    Args:
        digests: The contents of the target's images.
        value_range: What ``--value-range`` says.
    """
    plugins = sorted({plugin.version for plugin in PLUGINS.values()})
    return digest_json([_LAW, value_range, plugins, sorted(digests)])


def recall_choice(folder: Path | None, name: str) -> Choice | None:
    """What was chosen under a name; None where nothing is known."""
    kept = _kept(folder).get(name)
    if kept is None:
        return None
    try:
        return typed(kept, Choice)
    except ClaimError:
        return None


def remember_choice(folder: Path | None, name: str, choice: Choice) -> None:
    """Keep a choice; the oldest are forgotten."""
    if folder is None:
        return
    kept = {**_kept(folder), name: dataclasses.asdict(choice)}
    newest = dict(list(kept.items())[-_MAX_KEPT:])
    with suppress(OSError, ValueError):
        folder.mkdir(parents=True, exist_ok=True)
        write_kept(folder / _FILE, newest)


def _kept(folder: Path | None) -> dict[str, Any]:
    if folder is None:
        return {}
    try:
        return read_kept(folder, folder / _FILE)
    except (ClaimError, OSError):
        return {}
