"""The feature store: one directory a forward pass, below it one a layer.

CACHE/features/<entry>/<layer>.<pooling>.<key>/part-000000000.<sha>.parquet … _manifest.json
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featrank.cache.integrity import (
    ANOTHER_PLACE,
    Damage,
    check_layer,
    foreign_folder,
    mark_verified,
    set_all_aside,
)
from featrank.cache.key import FeatureKey
from featrank.cache.locks import Busy, Lease, extraction_lock
from featrank.cache.manifest import MANIFEST, Manifest
from featrank.cache.part_names import list_parts
from featrank.cache.parts import (
    PartFile,
    open_part,
    read_blocks,
    read_features,
    read_groups,
)
from featrank.cache.writer import (
    EntryWriter,
    LayerWriter,
    Table,
    explained_write,
    uncovered,
    write_manifest,
)
from featrank.errors import IncompleteError
from featrank.records import Features, FloatArray, IntArray
from featrank.storage.atomic import TEMPORARY_SUFFIX
from featrank.storage.contained import ClaimError, contained, regular_file, touch
from featrank.storage.file_hashes import FileHashes

# Between these, a part holds about 1/64 of the target: little is lost to a kill, and a million
# images are still not more than a few hundred files.
_MIN_ROWS, _MAX_ROWS = 256, 4096
_USED = "_used"


@dataclass(frozen=True, slots=True)
class Layer:
    """A complete layer in the store."""

    directory: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """The short hash that names it."""
        return self.directory.name.rpartition(".")[2]

    @property
    def last_use(self) -> float:
        """When a run last used it, in seconds since the epoch."""
        times = []
        for name in (MANIFEST, _USED):
            with suppress(OSError):
                times.append((self.directory / name).lstat().st_mtime)
        return max(times, default=0.0)

    def touch(self) -> None:
        """It is in use now."""
        with suppress(OSError, ClaimError):
            touch(self.directory, self.directory / _USED)


def rows_per_part(n_rows: int, batch_size: int) -> int:
    """The bound on a part's rows: whole batches, about 64 parts."""
    rows = min(max(n_rows // 64, _MIN_ROWS), _MAX_ROWS)
    return -(-rows // batch_size) * batch_size


class FeatureStore:
    """Features on disk, by key.

    Args:
        root: The cache directory.
        hashes: Remembers the checksums of parts whose file status has not changed.
        warn: Told of every damaged file.
    """

    def __init__(self, root: Path, hashes: FileHashes, warn: Callable[[str], None]) -> None:
        self.root = root
        self.lease = Lease(root)
        # Folders that could not be read, with the reason; each was warned of.
        self.closed: dict[Path, str] = {}
        self._hashes = hashes
        self._warn = warn

    def directory(self, key: FeatureKey) -> Path:
        """Where a layer lives."""
        readable = re.sub(r"[^A-Za-z0-9_-]", "_", f"{key.layer.name}.{key.layer.pooling}")[:60]
        return self.root / "features" / key.entry / f"{readable}.{key.hash}"

    @contextmanager
    def lock(self, key: FeatureKey, *, wait: bool) -> Iterator[None]:
        """The right to write the entry of a key.

        Raises:
            Busy: Another process holds it, and we do not wait.
            IncompleteError: The cache cannot be written.
        """
        with ExitStack() as stack:
            with explained_write(self.root, 0):
                stack.enter_context(extraction_lock(self.root, key.entry, wait=wait))
            yield

    def find(self, key: FeatureKey) -> Layer | None:
        """A complete and undamaged layer; None where any of it is missing.

        It cannot be pruned from now on until this process ends. A damaged file is reported and set
        aside, which makes the layer incomplete.

        Raises:
            IncompleteError: The store cannot be read, or damage cannot be set aside.
        """
        self.lease.add(key.entry)
        layer, damages = self._look(key)
        if damages:
            # Another process may be replacing the files: look again when nobody writes.
            with ExitStack() as stack:
                try:
                    stack.enter_context(self.lock(key, wait=True))
                except IncompleteError:
                    for damage in damages:
                        self._warn(f"damaged cache file: {damage}")
                    raise
                layer, damages = self._look(key)
                self._set_aside(damages)
        if layer is None or damages:
            return None
        if not layer.manifest.sealed:
            self._seal(key, layer)
        layer.touch()
        return layer

    def recover(self, key: FeatureKey) -> Layer | None:
        """A layer that lost only its manifest, completed from its own parts; call it locked.

        Raises:
            IncompleteError: The manifest cannot be written.
        """
        directory = self.directory(key)
        parts = self._whole_parts(directory, key)
        n_rows = parts[0].facts.get("n_rows") if parts else None
        if n_rows is None or uncovered(n_rows, parts):
            return None
        try:
            with explained_write(directory, 0):
                manifest = write_manifest(directory, parts, {})
        except ClaimError as error:
            self._set_aside([Damage(part_path, str(error)) for part_path in list_parts(directory)])
            return None
        mark_verified(directory)
        return Layer(directory, manifest)

    def read(self, layer: Layer) -> Features:
        """A layer's features and labels.

        Raises:
            IncompleteError: A part is missing or damaged.
        """
        manifest = layer.manifest
        try:
            features, labels = read_features(layer.directory, manifest.parts, manifest.n_features)
            if len(labels) and labels.max() >= len(manifest.class_names):
                raise ClaimError("a label of no class")
        except (OSError, ValueError) as error:
            raise _damaged(layer, error) from error
        return Features(features, labels, manifest.class_names, groups=self.groups(layer))

    def groups(self, layer: Layer) -> IntArray | None:
        """``(n_rows,)``: a number for each row's group; None where the target has no groups.

        Raises:
            IncompleteError: A part is missing or damaged.
        """
        try:
            return read_groups(layer.directory, layer.manifest.parts)
        except (OSError, ValueError) as error:
            raise _damaged(layer, error) from error

    def blocks(self, layer: Layer) -> Iterator[tuple[FloatArray, IntArray]]:
        """A layer's features and labels, a part at a time.

        Raises:
            IncompleteError: A part is missing or damaged.
        """
        manifest = layer.manifest
        try:
            yield from read_blocks(layer.directory, manifest.parts, manifest.n_features)
        except (OSError, ValueError) as error:
            raise _damaged(layer, error) from error

    def layers(self) -> Iterator[tuple[Path, Layer | None]]:
        """Every layer's directory, with the layer where it is complete; nothing is checked.

        Links are passed over; a folder that cannot be read is said, and is in ``closed`` then.

        Raises:
            IncompleteError: All of the features are a link, or cannot be read.
        """
        for entry in self._folders(self._features()):
            for directory in self._folders(entry):
                if "." in directory.name:
                    layer = None
                    try:
                        manifest = Manifest.read(directory)
                        layer = Layer(directory, manifest) if manifest is not None else None
                        if layer is None:
                            list_parts(directory)
                    except ClaimError:
                        pass
                    except OSError as error:
                        layer = None
                        self._close(directory, error)
                    yield directory, layer

    def check(self, layer: Layer) -> list[Damage]:
        """What is wrong with a layer, as far as must be looked at now; nothing is changed."""
        return check_layer(layer.directory, layer.manifest, self._hashes)

    def verify(self, directory: Path) -> list[Damage]:
        """What is wrong with one layer, every byte read; nothing is changed."""
        try:
            manifest = Manifest.read(directory)
            if manifest is not None:
                damages = check_layer(directory, manifest, self._hashes, fresh=True)
                if not damages or (directory / MANIFEST).exists():
                    return damages
                # A run is replacing files, for which the manifest goes first.
            paths = list_parts(directory)
        except ClaimError as error:
            return [Damage(directory / MANIFEST, str(error))]
        except OSError as error:
            return [Damage(directory, f"cannot be read ({error.strerror})")]
        damages = []
        for path in paths:
            try:
                regular_file(directory, path)
                open_part(path, FileHashes().get(path))
            except FileNotFoundError:
                continue
            except ClaimError as error:
                damages.append(Damage(path, str(error)))
            except OSError as error:
                damages.append(Damage(path, f"cannot be read ({error.strerror})"))
        return damages

    def begin(
        self,
        keys: Sequence[FeatureKey],
        facts: Mapping[str, Any],
        table: Table,
        rows: int,
        *,
        afresh: bool = False,
    ) -> EntryWriter:
        """Start or resume the extraction of some layers of one forward pass; call it locked.

        Args:
            keys: The layers wanted.
            facts: Model id, target name, split, class names, parameters and device, for the
                metadata.
            table: The columns beside the features.
            rows: Bound on a part's rows.
            afresh: Whether parts that are there already are thrown away.

        Raises:
            IncompleteError: The directory cannot be made.
        """
        writers = []
        for key in keys:
            directory = self.directory(key)
            self._features()
            if foreign := foreign_folder(directory):
                self._set_aside([foreign])
            with explained_write(directory, 0):
                directory.mkdir(parents=True, exist_ok=True)
                unwanted = [directory / MANIFEST, *directory.glob(f".*{TEMPORARY_SUFFIX}")]
                for path in unwanted + (list_parts(directory) if afresh else []):
                    self._unlink(path)
                whole = self._whole_parts(directory, key)
            layer_facts = {"key": key.document, "n_rows": len(table.digests), **facts}
            writers.append(LayerWriter(directory, key, layer_facts, table, whole))
        return EntryWriter(writers, rows)

    def _look(self, key: FeatureKey) -> tuple[Layer | None, list[Damage]]:
        directory = self.directory(key)
        try:
            self._features()
            if foreign := foreign_folder(directory):
                return None, [foreign]
            manifest = Manifest.read(directory)
            if manifest is None:
                return None, []
            if manifest.key != key.document:
                raise ClaimError("another layer's manifest")
        except ClaimError as error:
            return None, [Damage(directory / MANIFEST, str(error))]
        except OSError as error:
            raise IncompleteError(f"cannot read the cache: {error}", ANOTHER_PLACE) from error
        return Layer(directory, manifest), check_layer(directory, manifest, self._hashes)

    def _features(self) -> Path:
        """The folder of all features.

        Raises:
            IncompleteError: It is a link: what lies behind it is not ours to work in.
        """
        try:
            return contained(self.root, self.root / "features")
        except ClaimError as error:
            raise IncompleteError(
                f"the cache leads out of its folder: {error}",
                "name the place itself with --cache-dir DIR or FEATRANK_CACHE",
            ) from None
        except OSError as error:
            raise IncompleteError(f"cannot read the cache: {error}", ANOTHER_PLACE) from error

    def _folders(self, parent: Path) -> list[Path]:
        """The folders in a folder, links left out; one that cannot be read is said."""
        try:
            with os.scandir(parent) as found:
                names = sorted(entry.name for entry in found if entry.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            return []
        except OSError as error:
            self._close(parent, error)
            return []
        return [parent / name for name in names]

    def _close(self, folder: Path, error: OSError) -> None:
        if folder not in self.closed:
            self.closed[folder] = error.strerror or str(error)
            self._warn(f"cannot read {folder}: {self.closed[folder]}")

    def _unlink(self, path: Path) -> None:
        """Remove a file or link; what is a folder is set aside."""
        try:
            path.unlink(missing_ok=True)
        except OSError:
            if not path.is_dir():
                raise
            self._set_aside([Damage(path, "a folder")])

    def _seal(self, key: FeatureKey, layer: Layer) -> None:
        """Give an older release's manifest, which was just proved, its checksum."""
        with suppress(IncompleteError, Busy, OSError), self.lock(key, wait=False):
            if Manifest.read(layer.directory) == layer.manifest:
                layer.manifest.write(layer.directory)
                mark_verified(layer.directory)

    def _whole_parts(self, directory: Path, key: FeatureKey) -> list[PartFile]:
        """The parts that an earlier pass left, checked; what is not whole is set aside."""
        whole: list[PartFile] = []
        reached = 0
        for path in list_parts(directory):
            try:
                regular_file(directory, path)
                part = open_part(path, self._hashes.get(path))
                if part.facts.get("key") != key.document or part.start < reached:
                    raise ClaimError("overlaps another part")
            except ClaimError as error:
                self._set_aside([Damage(path, str(error))])
                continue
            except OSError as error:
                self._set_aside([Damage(path, f"cannot be read ({error.strerror})")])
                continue
            whole.append(part)
            reached = part.stop
        return whole

    def _set_aside(self, damages: Sequence[Damage]) -> None:
        set_all_aside(self.root, damages, self._warn)


def _damaged(layer: Layer, error: Exception) -> IncompleteError:
    return IncompleteError(
        f"damaged cache entry {layer.directory.name}: {error}", "run the same command again"
    )
