"""Make room: remove layers that are old, too many, or of some model."""

from __future__ import annotations

import errno
import fnmatch
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from featrank.cache.listing import Entry, list_entries
from featrank.cache.locks import Busy, extraction_lock, leased_entries
from featrank.cache.manifest import MANIFEST
from featrank.cache.store import FeatureStore
from featrank.storage.contained import contained


@dataclass(frozen=True, slots=True)
class Policy:
    """Which layers may go.

    Attributes:
        older_than: Seconds since the last use.
        max_size: Bytes that may stay; what was used longest ago goes first.
        model: A wildcard of model ids, or of a part of them.
    """

    older_than: float | None = None
    max_size: int | None = None
    model: str | None = None


def choose(entries: Sequence[Entry], policy: Policy, now: float) -> list[Entry]:
    """The entries that a policy removes, those used longest ago first.

    What cannot be read stays. Model and age restrict what may go; with a size, only so much of it
    goes as must.
    """
    may_go = sorted(
        (entry for entry in entries if not entry.closed and _matches(entry, policy, now)),
        key=lambda entry: entry.last_use,
    )
    if policy.max_size is None:
        return may_go
    total = sum(entry.bytes for entry in entries)
    chosen = []
    for entry in may_go:
        if total <= policy.max_size:
            break
        chosen.append(entry)
        total -= entry.bytes
    return chosen


def prune(store: FeatureStore, policy: Policy, *, dry_run: bool) -> tuple[list[Entry], list[Entry]]:
    """Remove what a policy chooses, but nothing that a running process uses.

    Only folders that the listing found below ``features/`` are removed; links are not followed.

    Args:
        store: The cache.
        policy: Which layers may go.
        dry_run: Whether to leave everything where it is.

    Returns:
        What was removed (or would be), and what was kept because it is in use.

    Raises:
        OSError: The cache cannot be written, or a layer not be removed; the others are.
    """
    chosen = choose(list_entries(store), policy, time.time())
    removed: list[Entry] = []
    kept: list[Entry] = []
    stuck: list[OSError] = []
    with leased_entries(store.root) as leased:
        for entry in chosen:
            with ExitStack() as stack:
                try:
                    stack.enter_context(extraction_lock(store.root, entry.pass_, wait=False))
                except Busy:
                    kept.append(entry)
                    continue
                if entry.pass_ in leased:
                    kept.append(entry)
                    continue
                try:
                    if not dry_run:
                        _remove(store.root, entry.directory)
                    removed.append(entry)
                except OSError as error:  # one that stays keeps no other
                    stuck.append(error)
    if stuck:
        raise stuck[0]
    return removed, kept


def _matches(entry: Entry, policy: Policy, now: float) -> bool:
    old = policy.older_than is None or entry.last_use < now - policy.older_than
    pattern = policy.model
    name = entry.model.partition(":")[2]
    named = pattern is None or any(fnmatch.fnmatch(text, pattern) for text in (entry.model, name))
    return old and named


def _remove(root: Path, directory: Path) -> None:
    contained(root, directory)
    # First: a layer that lost parts and not its manifest would look damaged after a kill.
    (directory / MANIFEST).unlink(missing_ok=True)
    try:
        shutil.rmtree(directory)
    except RecursionError:  # nothing of ours is nested
        raise OSError(errno.ELOOP, "folders nested too deeply", str(directory)) from None
    # The pass's folder goes with its last layer.
    with suppress(OSError):
        directory.parent.rmdir()
