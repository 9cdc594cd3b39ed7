"""What is in the cache, for people."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featrank.cache.part_names import list_parts
from featrank.cache.store import FeatureStore, Layer
from featrank.errors import IncompleteError, InputError
from featrank.registry import did_you_mean


@dataclass(frozen=True, slots=True)
class Entry:
    """One layer as it is listed.

    Attributes:
        directory: Where it is.
        key: The short hash that names it.
        pass_: The short hash of its forward pass, which locks and leases go by.
        layer: The layer; None where it is not complete.
        bytes: Size of its parts.
        last_use: Seconds since the epoch.
        closed: Whether it cannot be read.
    """

    directory: Path
    key: str
    pass_: str
    layer: Layer | None
    bytes: int
    last_use: float
    closed: bool = False

    @property
    def model(self) -> str:
        if self.layer is not None:
            return self.layer.manifest.model
        return "(cannot be read)" if self.closed else "(incomplete)"

    @property
    def target(self) -> str:
        return self.layer.manifest.target if self.layer else ""

    @property
    def layer_name(self) -> str:
        """As in the key; of an incomplete layer what its folder says."""
        if self.layer is not None:
            return str(self.layer.manifest.key["layer"])
        return self.directory.name.split(".")[0]


def list_entries(store: FeatureStore) -> list[Entry]:
    """Every layer, those used last first; incomplete ones too."""
    entries = [
        _entry(directory, layer, closed=directory in store.closed)
        for directory, layer in store.layers()
    ]
    return sorted(entries, key=lambda entry: -entry.last_use)


def find_entry(store: FeatureStore, key: str) -> Entry:
    """The one layer whose key starts so.

    Raises:
        InputError: None does, or several do.
        IncompleteError: It cannot be read, or may be in what cannot be read.
    """
    entries = list_entries(store)
    found = [entry for entry in entries if entry.key.startswith(key)] if key else []
    if len(found) == 1 and not found[0].closed:
        return found[0]
    if not found[1:]:
        refuse_closed(store)
    if found:
        raise InputError(
            f"key '{key}' names {len(found)} entries",
            f"write more of it: {', '.join(entry.key for entry in found[:4])}",
        )
    known = [entry.key for entry in entries]
    raise InputError(
        f"no cache entry '{key}'", did_you_mean(key, known, "list them: featrank cache list")
    )


def refuse_closed(store: FeatureStore) -> None:
    """See that the listing passed no folder that could not be read.

    Raises:
        IncompleteError: It did.
    """
    if store.closed:
        count = len(store.closed)
        folder, reason = next(iter(store.closed.items()))
        raise IncompleteError(
            f"{count} folder{'s' * (count > 1)} of the cache cannot be read, first {folder}"
            f" ({reason})",
            "let yourself read it (chmod u+rwx, or ask its owner), or name another cache with"
            " --cache-dir DIR",
        )


def describe(entry: Entry) -> dict[str, Any]:
    """One layer as JSON: its whole key, its parts, what it was extracted with."""
    document: dict[str, Any] = {"directory": str(entry.directory), "complete": bool(entry.layer)}
    if entry.closed:
        return {**document, "readable": False}
    if entry.layer is None:
        return {**document, "parts": [path.name for path in list_parts(entry.directory)]}
    manifest = entry.layer.manifest
    return {
        **document,
        "model": manifest.model,
        "target": manifest.target,
        "split": manifest.split,
        "n_rows": manifest.n_rows,
        "n_features": manifest.n_features,
        "n_params": manifest.n_params,
        "class_counts": dict(manifest.class_counts),
        "skipped": [[skip.path, skip.reason] for skip in manifest.skipped],
        "bytes": entry.bytes,
        "key": dict(manifest.key),
        "parts": [part.file for part in manifest.parts],
        "extraction": dict(manifest.extraction),
    }


def total_bytes(entries: Sequence[Entry]) -> int:
    """The size of all of them."""
    return sum(entry.bytes for entry in entries)


def _entry(directory: Path, layer: Layer | None, *, closed: bool) -> Entry:
    if layer is not None:
        n_bytes = sum(part.bytes for part in layer.manifest.parts)
        last_use = layer.last_use
    else:
        n_bytes, last_use = _of_files(directory)
    key = directory.name.rpartition(".")[2]
    return Entry(directory, key, directory.parent.name, layer, n_bytes, last_use, closed)


def _of_files(directory: Path) -> tuple[int, float]:
    """Size of a folder's files, and when the last of them changed; nothing where it is closed."""
    try:
        states = [path.lstat() for path in directory.iterdir()]
        files = [state for state in states if stat.S_ISREG(state.st_mode)]
        changed = max((state.st_mtime for state in files), default=directory.lstat().st_mtime)
    except OSError:
        return 0, 0.0
    return sum(state.st_size for state in files), changed
