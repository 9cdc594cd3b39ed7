"""The feature store: one directory a forward pass, below it one a layer.

CACHE/features/<entry>/<layer>.<pooling>.<key>/part-000000000.<sha>.parquet … manifest.json
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featrank.cache.key import FeatureKey
from featrank.cache.manifest import MANIFEST, Manifest
from featrank.cache.parts import PartFile, list_parts, open_part, read_features
from featrank.cache.writer import EntryWriter, LayerWriter, Table, write_error
from featrank.errors import IncompleteError
from featrank.file_hashes import FileHashes
from featrank.records import Features

# Between these, a part holds about 1/64 of the target: little is lost to a kill, and a million
# images are still not more than a few hundred files.
_MIN_ROWS, _MAX_ROWS = 256, 4096


@dataclass(frozen=True, slots=True)
class Layer:
    """A complete layer in the store."""

    directory: Path
    manifest: Manifest


def rows_per_part(n_rows: int, batch_size: int) -> int:
    """The bound on a part's rows: whole batches, about 64 parts."""
    rows = min(max(n_rows // 64, _MIN_ROWS), _MAX_ROWS)
    return -(-rows // batch_size) * batch_size


class FeatureStore:
    """Features on disk, by key.

    Args:
        root: The cache directory.
        hashes: Remembers the checksums of parts whose file status has not changed.
    """

    def __init__(self, root: Path, hashes: FileHashes) -> None:
        self.root = root
        self._hashes = hashes

    def directory(self, key: FeatureKey) -> Path:
        """Where a layer lives."""
        readable = re.sub(r"[^A-Za-z0-9_-]", "_", f"{key.layer.name}.{key.layer.pooling}")[:60]
        return self.root / "features" / key.entry / f"{readable}.{key.hash}"

    def find(self, key: FeatureKey) -> Layer | None:
        """A complete layer; None where any of it is missing.

        Raises:
            IncompleteError: The store cannot be read.
        """
        directory = self.directory(key)
        try:
            manifest = Manifest.read(directory)
        except OSError as error:
            raise IncompleteError(f"cannot read the cache: {error}") from error
        return Layer(directory, manifest) if manifest is not None else None

    def read(self, layer: Layer) -> Features:
        """A layer's features and labels.

        Raises:
            IncompleteError: A part is missing or damaged.
        """
        manifest = layer.manifest
        try:
            features, labels = read_features(layer.directory, manifest.parts, manifest.n_features)
        except (OSError, ValueError) as error:
            raise IncompleteError(
                f"damaged cache entry {layer.directory.name}: {error}",
                "run it again with --cache refresh",
            ) from error
        return Features(features, labels, manifest.class_names)

    def begin(
        self,
        keys: Sequence[FeatureKey],
        facts: Mapping[str, Any],
        table: Table,
        rows: int,
        *,
        afresh: bool = False,
    ) -> EntryWriter:
        """Start or resume the extraction of some layers of one forward pass.

        Args:
            keys: The layers wanted.
            facts: Model id, target name, split, class names and parameters, for the metadata.
            table: The columns beside the features.
            rows: Bound on a part's rows.
            afresh: Whether parts that are there already are thrown away.

        Raises:
            IncompleteError: The directory cannot be made.
        """
        writers = []
        for key in keys:
            directory = self.directory(key)
            try:
                directory.mkdir(parents=True, exist_ok=True)
                (directory / MANIFEST).unlink(missing_ok=True)
                if afresh:
                    for path in list_parts(directory):
                        path.unlink()
                whole = self._whole_parts(directory, key)
            except OSError as error:
                raise write_error(directory, 0, error) from error
            writers.append(
                LayerWriter(directory, key, {"key": key.document, **facts}, table, whole)
            )
        return EntryWriter(writers, rows)

    def _whole_parts(self, directory: Path, key: FeatureKey) -> list[PartFile]:
        """The parts that an earlier pass left, checked; what is not whole is deleted."""
        whole: list[PartFile] = []
        reached = 0
        for path in list_parts(directory):
            try:
                part = open_part(path, self._hashes.get(path))
                if part.facts["key"] != key.document or part.start < reached:
                    raise ValueError("belongs elsewhere")
            except (ValueError, OSError):
                path.unlink(missing_ok=True)
                continue
            whole.append(part)
            reached = part.stop
        return whole
