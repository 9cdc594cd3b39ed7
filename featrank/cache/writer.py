"""Write the layers of one forward pass, part by part, going on where an earlier pass ended."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from featrank.cache.key import FeatureKey
from featrank.cache.manifest import Manifest
from featrank.cache.parts import PartFile, Rows, class_counts, encode_part, write_part
from featrank.errors import IncompleteError
from featrank.records import FloatArray, LayerRef, Skipped
from featrank.storage.contained import ClaimError
from featrank.storage.kept_json import typed
from featrank.storage.refusals import NO_ROOM, way_out

Span = tuple[int, int]

# What a part says of its layer, and the manifest repeats.
_FACTS = ("key", "model", "target", "split", "n_params", "n_features", "class_names")
# What made a part that was written before parts said so.
UNKNOWN_DEVICE = "an unknown device"
# All parts agree in these; a run that goes on may call the model and the target by other names.
_SHARED = ("key", "n_rows", "n_params", "n_features", "class_names")


@dataclass(frozen=True, slots=True)
class Table:
    """The columns beside the features, in the target's order.

    Attributes:
        digests: Content hash of each image.
        paths: Path of each image inside the target.
        labels: Class index of each image.
        groups: What each image belongs to; None where the target has no groups.
    """

    digests: Sequence[str]
    paths: Sequence[str]
    labels: Sequence[int]
    groups: Sequence[str] | None = None


def uncovered(n_rows: int, parts: Sequence[PartFile]) -> list[Span]:
    """The stretches of rows that no part covers, in order."""
    gaps: list[Span] = []
    reached = 0
    for part in parts:
        if part.start > reached:
            gaps.append((reached, part.start))
        reached = max(reached, part.stop)
    if reached < n_rows:
        gaps.append((reached, n_rows))
    return gaps


def cut(gaps: Sequence[Span], rows_per_part: int) -> list[Span]:
    """Stretches cut into spans of at most one part each, at every edge of any of them."""
    edges = sorted({edge for gap in gaps for edge in gap})
    spans: list[Span] = []
    for left, right in pairwise(edges):
        if any(start <= left and right <= stop for start, stop in gaps):
            spans += [
                (start, min(start + rows_per_part, right))
                for start in range(left, right, rows_per_part)
            ]
    return spans


class LayerWriter:
    """One layer on its way to disk.

    Args:
        directory: The layer's directory.
        key: Its key.
        facts: What identifies it: key document, model id, target name, split, class
            names, parameters; and the device that makes the rest.
        table: The columns beside the features.
        parts: The whole parts that are there already, without overlap, in order.
    """

    def __init__(
        self,
        directory: Path,
        key: FeatureKey,
        facts: Mapping[str, Any],
        table: Table,
        parts: Sequence[PartFile],
    ) -> None:
        self.key = key
        self._directory = directory
        self._facts = dict(facts)
        self._table = table
        self._parts = {part.start: part for part in parts}

    @property
    def gaps(self) -> list[Span]:
        """The rows still missing."""
        ordered = [self._parts[start] for start in sorted(self._parts)]
        return uncovered(len(self._table.digests), ordered)

    def write(
        self, span: Span, rows: Sequence[int], features: FloatArray, skipped: Sequence[Skipped]
    ) -> None:
        """Write a span as one part; nothing where the layer has it already.

        Args:
            span: The rows covered.
            rows: Those of them that have features.
            features: ``(len(rows), n_features)``.
            skipped: The others, with reasons.

        Raises:
            IncompleteError: No room or no permission.
        """
        if not any(start <= span[0] and span[1] <= stop for start, stop in self.gaps):
            return
        table = self._table
        content = Rows(
            start=span[0],
            stop=span[1],
            digests=[table.digests[row] for row in rows],
            paths=[table.paths[row] for row in rows],
            labels=[table.labels[row] for row in rows],
            features=features,
            skipped=skipped,
            groups=None if table.groups is None else [table.groups[row] for row in rows],
        )
        data = encode_part(content, self._facts)
        with explained_write(self._directory, len(data)):
            self._parts[span[0]] = write_part(self._directory, content, self._facts, data)

    def finish(self, extraction: Mapping[str, Any]) -> Manifest:
        """Write the manifest: from now on the layer is complete.

        Raises:
            IncompleteError: Rows are missing, or there is no room.
        """
        if self.gaps:
            raise IncompleteError(f"rows {self.gaps[0]} of layer {self.key.layer.name} are missing")
        ordered = [self._parts[start] for start in sorted(self._parts)]
        with explained_write(self._directory, 0):
            return write_manifest(self._directory, ordered, extraction)


def write_manifest(
    directory: Path, parts: Sequence[PartFile], extraction: Mapping[str, Any]
) -> Manifest:
    """Write the manifest of a layer whose parts are all there, from what the parts themselves say.

    Raises:
        ClaimError: The parts do not belong together.
        OSError: No room or no permission.
    """
    manifest = manifest_of(directory, parts, extraction)
    manifest.write(directory)
    return manifest


def manifest_of(
    directory: Path, parts: Sequence[PartFile], extraction: Mapping[str, Any]
) -> Manifest:
    """What the parts of a layer say together.

    Raises:
        ClaimError: They do not belong together.
        OSError: A part cannot be read.
    """
    facts = parts[0].facts
    if any(part.facts.get(name) != facts.get(name) for part in parts for name in _SHARED):
        raise ClaimError("parts of different layers")
    files = tuple(part.part for part in parts)
    document = {
        **{name: facts.get(name) for name in _FACTS},
        "class_counts": class_counts(directory, files, facts["class_names"]),
        "skipped": [asdict(skip) for part in parts for skip in part.skipped],
        "parts": [asdict(part) for part in files],
        "extraction": {**extraction, **_device_of(parts)},
    }
    return typed(document, Manifest)


def _device_of(parts: Sequence[PartFile]) -> dict[str, str]:
    """The devices that made the parts, in the order of their rows; nothing where none says.

    It is not in the key, so a run that went on may have had another than the one before.
    """
    said = [part.facts.get("device", UNKNOWN_DEVICE) for part in parts if part.part.rows]
    names = list(dict.fromkeys(typed(device, str) for device in said))
    return {} if names in ([], [UNKNOWN_DEVICE]) else {"device": ", ".join(names)}


@dataclass
class _Open:
    """The span being filled."""

    rows: list[int]
    skipped: list[Skipped]
    features: dict[LayerRef, list[FloatArray]]


class EntryWriter:
    """The layers of one forward pass, written together.

    Args:
        layers: One writer a layer.
        rows_per_part: Bound on a part's rows.
    """

    def __init__(self, layers: Sequence[LayerWriter], rows_per_part: int) -> None:
        self._layers = layers
        self.spans = cut([gap for layer in layers for gap in layer.gaps], rows_per_part)
        self._open = _Open([], [], {})

    @property
    def n_missing(self) -> int:
        """Images that must go through the network."""
        return sum(stop - start for start, stop in self.spans)

    def add(
        self,
        span: Span,
        rows: Sequence[int],
        features: Mapping[LayerRef, FloatArray],
        skipped: Sequence[Skipped],
        *,
        last: bool,
    ) -> None:
        """Take one batch; with the ``last`` of a span, write the span's parts.

        Raises:
            IncompleteError: No room or no permission.
        """
        self._open.rows += rows
        self._open.skipped += skipped
        for layer, values in features.items():
            self._open.features.setdefault(layer, []).append(values)
        if last:
            done, self._open = self._open, _Open([], [], {})
            for writer in self._layers:
                values = np.concatenate(done.features[writer.key.layer])
                writer.write(span, done.rows, values, done.skipped)

    def finish(self, extraction: Mapping[str, Any]) -> list[Manifest]:
        """Write the manifests.

        Raises:
            IncompleteError: Rows are missing, or there is no room.
        """
        return [layer.finish(extraction) for layer in self._layers]


@contextmanager
def explained_write(directory: Path, needed: int) -> Iterator[None]:
    """Turn the file system's refusals into messages with the next step."""
    try:
        yield
    except OSError as error:
        raise write_error(directory, needed, error) from error


def write_error(directory: Path, needed: int, error: OSError) -> IncompleteError:
    """What a failed write in the cache means, with the bytes needed and free where room ran out."""
    elsewhere = "choose another place with --cache-dir DIR or FEATRANK_CACHE"
    if error.errno in NO_ROOM:
        try:
            free = shutil.disk_usage(directory).free
        except OSError:
            free = 0
        return IncompleteError(
            f"no room in the cache: the next part needs {needed:,} bytes, {free:,} are free"
            f" ({error.strerror})",
            f"make room (`featrank cache prune`), or {elsewhere}; the next run goes on from here",
        )
    return IncompleteError(
        f"cannot write the cache at {directory}: {error.strerror}", way_out(error, elsewhere)
    )
