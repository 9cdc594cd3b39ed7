"""Is what the cache holds what was written?"""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from featrank.cache.manifest import MANIFEST, Manifest, Part
from featrank.cache.part_names import list_parts
from featrank.cache.parts import class_counts, open_part, read_footer
from featrank.cache.writer import explained_write, manifest_of
from featrank.errors import IncompleteError
from featrank.records import Skipped
from featrank.storage.contained import ClaimError, contained, regular_file, touch
from featrank.storage.damage import said_of
from featrank.storage.damage import set_aside as move_aside
from featrank.storage.file_hashes import FileHashes, hash_file

ANOTHER_PLACE = "choose another place with --cache-dir DIR or FEATRANK_CACHE"

_VERIFIED = "_verified"
_SAID_BY_EACH = ("key", "n_params")
_SAID_BY_THE_FIRST = (*_SAID_BY_EACH, "model", "target", "split")
_SECONDS_BETWEEN_CHECKSUMS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Damage:
    """A file of the cache that is not what was written."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}: {self.reason}"


def check_layer(
    directory: Path, manifest: Manifest, hashes: FileHashes, *, fresh: bool = False
) -> list[Damage]:
    """What is wrong with a layer.

    A part's size is always compared. Its checksum is computed where the file's status has changed
    since it was last known, once a day, and with ``fresh``; an equal checksum implies equal rows.
    What the manifest says of its parts is compared with what they say themselves where it has
    changed since that was last done; a manifest without checksum is compared with every number.

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
    due = fresh or not manifest.sealed or _is_unproved(directory)
    if due and not damages:
        damages = _belied(directory, manifest, hashes)
    if due and not damages:
        mark_verified(directory)
    return damages


def foreign_folder(directory: Path) -> Damage | None:
    """What stands where one of our own folders belongs: a link that leads out, or a file.

    Args:
        directory: A layer's.
    """
    for folder in (directory.parent, directory):
        try:
            mode = folder.lstat().st_mode
        except FileNotFoundError:
            return None
        if not stat.S_ISDIR(mode):
            return Damage(folder, "a link" if stat.S_ISLNK(mode) else "no folder")
    return None


def mark_verified(directory: Path) -> None:
    """A layer is as it should be; where that cannot be noted, the next look is as thorough."""
    with suppress(OSError, ClaimError):
        touch(directory, directory / _VERIFIED)


def set_aside(root: Path, damage: Damage) -> bool:
    """Move what is damaged where nothing reads it; the layer is incomplete from now on.

    Returns:
        Whether it was moved; not where it is what is missing.

    Raises:
        ClaimError: A folder on the way is a link.
        OSError: The cache cannot be written.
    """
    manifest = damage.path.parent / MANIFEST
    if damage.path != manifest:
        contained(root, damage.path.parent)
        if manifest.is_dir() and not manifest.is_symlink():
            move_aside(root, manifest)
        else:
            manifest.unlink(missing_ok=True)
    return move_aside(root, damage.path)


def set_all_aside(root: Path, damages: Iterable[Damage], warn: Callable[[str], None]) -> None:
    """Set aside what is damaged, and say of each what came of it.

    Raises:
        IncompleteError: The cache cannot be written, or leads out of its folder.
    """
    for damage in damages:
        try:
            with explained_write(root, 0):
                moved = set_aside(root, damage)
        except ClaimError as error:
            warn(f"damaged cache file: {damage}")
            raise IncompleteError(
                f"the cache leads out of its folder: {error}", ANOTHER_PLACE
            ) from error
        except IncompleteError:
            warn(f"damaged cache file: {damage}")
            raise
        warn(f"{said_of(moved)}: {damage}")


def _wrong(path: Path, part: Part, hashes: FileHashes, *, fresh: bool) -> str:
    try:
        size = regular_file(path.parent, path).st_size
        if size != part.bytes:
            return f"{size:,} bytes where {part.bytes:,} were written"
        sha256 = hash_file(path) if fresh else hashes.get(path)
    except FileNotFoundError:
        return "missing"
    except ClaimError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if sha256 == part.sha256 else "checksum differs"


def _belied(directory: Path, manifest: Manifest, hashes: FileHashes) -> list[Damage]:
    """The manifest as damage, where its parts say something else."""
    try:
        if manifest.sealed:
            _compare_footers(directory, manifest)
        else:
            _compare_all(directory, manifest, hashes)
    except (ClaimError, OSError) as error:
        return [Damage(directory / MANIFEST, f"its parts say something else: {error}")]
    return []


def _compare_footers(directory: Path, manifest: Manifest) -> None:
    reached, n_rows = 0, None
    skipped: list[Skipped] = []
    for number, part in enumerate(manifest.parts):
        footer = read_footer(directory / part.file)
        if footer.start != reached:
            raise ClaimError(f"row {reached} is in no part")
        reached, n_rows = footer.stop, footer.facts.get("n_rows", n_rows)
        skipped += footer.skipped
        if (footer.rows, footer.width) != (part.rows, manifest.n_features):
            raise ClaimError(f"{footer.rows} rows of {footer.width}")
        if footer.values_at != part.values_at:
            raise ClaimError("the features are elsewhere")
        # A run that went on may have called the model and the target by other names.
        for name in _SAID_BY_EACH if number else _SAID_BY_THE_FIRST:
            if footer.facts.get(name) != getattr(manifest, name):
                raise ClaimError(f"another {name}")
        if footer.facts.get("class_names") != list(manifest.class_names):
            raise ClaimError("other class names")
    if n_rows not in (None, reached):
        raise ClaimError(f"{reached} of {n_rows} images")
    if tuple(skipped) != manifest.skipped:
        raise ClaimError("other images were skipped")
    if class_counts(directory, manifest.parts, manifest.class_names) != manifest.class_counts:
        raise ClaimError("other class counts")


def _compare_all(directory: Path, manifest: Manifest, hashes: FileHashes) -> None:
    parts = [open_part(path, hashes.get(path)) for path in list_parts(directory)]
    _compare_footers(directory, manifest)
    proved = manifest_of(directory, parts, manifest.extraction)
    if replace(proved, sealed=False) != manifest:
        raise ClaimError("other parts")


def _is_unproved(directory: Path) -> bool:
    """Whether the manifest may have changed since it was last compared with the parts."""
    try:
        verified = (directory / _VERIFIED).lstat().st_mtime_ns
        return verified <= (directory / MANIFEST).lstat().st_mtime_ns
    except OSError:
        return True


def _last_verified(directory: Path) -> float:
    times = []
    for name in (MANIFEST, _VERIFIED):
        with suppress(OSError):
            times.append((directory / name).lstat().st_mtime)
    return max(times, default=0.0)
