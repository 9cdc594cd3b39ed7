"""Is what the cache holds what was written?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from featrank.cache.manifest import MANIFEST, Manifest, Part
from featrank.storage.file_hashes import FileHashes, hash_file

_VERIFIED = "_verified"
_SECONDS_BETWEEN_CHECKSUMS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of the cache that is not what was written."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}: {self.reason}"


def check_parts(
    directory: Path, manifest: Manifest, hashes: FileHashes, *, fresh: bool = False
) -> list[Damage]:
    """What is wrong with a layer's parts.

    A part's size is always compared. Its checksum is computed where the file's status has changed
    since it was last known, once a day, and with ``fresh``; an equal checksum implies equal rows.

    Args:
        directory: The layer's directory.
        manifest: What should be there.
        hashes: Remembers checksums by file status.
        fresh: Whether to read every byte now.
    """
    fresh = fresh or _last_verified(directory) < time.time() - _SECONDS_BETWEEN_CHECKSUMS
    damages = [
        Damage(directory / part.file, reason)
        for part in manifest.parts
        if (reason := _wrong(directory / part.file, part, hashes, fresh=fresh))
    ]
    if fresh and not damages:
        with suppress(OSError):
            (directory / _VERIFIED).touch()
    return damages


def set_aside(root: Path, damages: Sequence[Damage]) -> None:
    """Move damaged files where nothing reads them; the layer is incomplete from now on.

    Raises:
        OSError: The cache cannot be written.
    """
    for damage in damages:
        layer = damage.path.parent
        (layer / MANIFEST).unlink(missing_ok=True)
        if damage.path.exists():
            aside = root / "damaged" / layer.parent.name / layer.name
            aside.mkdir(parents=True, exist_ok=True)
            damage.path.replace(aside / damage.path.name)


def _wrong(path: Path, part: Part, hashes: FileHashes, *, fresh: bool) -> str:
    try:
        size = path.stat().st_size
        if size != part.bytes:
            return f"{size:,} bytes where {part.bytes:,} were written"
        sha256 = hash_file(path) if fresh else hashes.get(path)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if sha256 == part.sha256 else "checksum differs"


def _last_verified(directory: Path) -> float:
    times = []
    for name in (MANIFEST, _VERIFIED):
        with suppress(OSError):
            times.append((directory / name).stat().st_mtime)
    return max(times, default=0.0)
