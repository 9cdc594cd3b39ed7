"""The manifest of one layer's features: written last, so its existence means "complete"."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from featrank.cache.key import FeatureKey
from featrank.cache.part_names import PART_NAME
from featrank.records import Skipped
from featrank.storage.contained import ClaimError
from featrank.storage.digest import digest_json
from featrank.storage.kept_json import read_perhaps_sealed, typed, write_kept

# The underscore hides it from tools that read a folder of Parquet files as one table.
MANIFEST = "_manifest.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a layer.

    Attributes:
        file: Its name in the layer's directory.
        rows: Images that have features in it.
        bytes: Its size.
        sha256: Its checksum.
        values_at: Where its features stand as one block of plain little-endian float32, row after
            row, as proved when the manifest was written.
    """

    file: str
    rows: int
    bytes: int
    sha256: str
    values_at: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a complete layer says about itself.

    Attributes:
        key: The whole cache key, as JSON.
        model: The id under which it was extracted.
        target: The name under which it was extracted.
        split: The split in use, or None.
        n_params: Parameters of the network.
        n_features: Width of the features.
        class_names: The target's classes; labels are indices into it.
        class_counts: Images of each class that have features; classes without any are left out.
        skipped: Images that could not be decoded.
        parts: The Parquet files in order.
        extraction: Devices in the order of the rows, images a second and versions at the time.
        sealed: Whether it came with its checksum; those of older releases have none.
    """

    key: Mapping[str, Any]
    model: str
    target: str
    split: str | None
    n_params: int
    n_features: int
    class_names: tuple[str, ...]
    class_counts: Mapping[str, int]
    skipped: tuple[Skipped, ...]
    parts: tuple[Part, ...]
    extraction: Mapping[str, Any] = field(default_factory=dict)
    sealed: bool = field(default=True, compare=False)

    @property
    def n_rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def lost_classes(self) -> tuple[str, ...]:
        """Classes of which no image could be decoded, so that nothing ranks on them."""
        return tuple(name for name in self.class_names if not self.class_counts.get(name))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may surprise about the images that were decoded, one line each."""
        return tuple(
            f"no usable image in the class '{name}': it is not ranked on"
            for name in self.lost_classes
        )

    @property
    def features_digest(self) -> str:
        """Identifies the stored numbers themselves; scores are kept under it."""
        return digest_json([part.sha256 for part in self.parts])

    def write(self, directory: Path) -> None:
        """Write it into the layer's directory, with its checksum.

        Raises:
            OSError: No room or no permission.
        """
        content = asdict(self)
        del content["sealed"]
        write_kept(directory / MANIFEST, {"schema_version": SCHEMA_VERSION, **content})

    @classmethod
    def read(cls, directory: Path) -> Manifest | None:
        """The manifest of a layer's directory; None where the layer is not complete.

        Raises:
            ClaimError: It is there, but not a manifest, or what it says cannot be.
            OSError: It cannot be read.
        """
        try:
            document, sealed = read_perhaps_sealed(directory, directory / MANIFEST)
        except FileNotFoundError:
            return None
        version = document.pop("schema_version", None)
        if not isinstance(version, int):
            raise ClaimError("not a manifest")
        if version != SCHEMA_VERSION:
            return None
        document.pop("sealed", None)
        manifest = dataclasses.replace(typed(document, cls), sealed=sealed)
        _check_claims(manifest)
        return manifest


def _check_claims(manifest: Manifest) -> None:
    """Whether the numbers and names fit each other; files are not looked at.

    Raises:
        ClaimError: They do not.
    """
    _check_key(manifest.key)
    if manifest.n_features < 1 or manifest.n_params < 0 or not manifest.parts:
        raise ClaimError("a size that cannot be")
    for part in manifest.parts:
        _check_part(part, manifest.n_features)
    if len({part.file for part in manifest.parts}) < len(manifest.parts):
        raise ClaimError("a part is named twice")
    names, counts = set(manifest.class_names), manifest.class_counts
    if len(names) < len(manifest.class_names) or not names.issuperset(counts):
        raise ClaimError("class names that do not fit")
    if min(counts.values(), default=1) < 1 or sum(counts.values()) != manifest.n_rows:
        raise ClaimError("class counts that do not add up to the rows")
    _check_extraction(manifest.extraction)


def _check_key(document: Mapping[str, Any]) -> None:
    try:
        if FeatureKey.from_document(document).document != dict(document):
            raise ClaimError("a key with more to it")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ClaimError(f"not a key ({type(error).__name__})") from None


def _check_part(part: Part, width: int) -> None:
    name = PART_NAME.fullmatch(part.file)
    if name is None or not part.sha256.startswith(name[2]):
        raise ClaimError("a part with a name that is not ours")
    values = part.rows * width * 4
    if part.rows < 0 or part.values_at < 0 or part.values_at + values > part.bytes:
        raise ClaimError(f"{part.file}: sizes that cannot be")


def _check_extraction(extraction: Mapping[str, Any]) -> None:
    speed = extraction.get("images_per_second", 0.0)
    if not isinstance(speed, int | float) or not math.isfinite(speed):
        raise ClaimError("a speed that is no number")
    if not isinstance(extraction.get("device", ""), str):
        raise ClaimError("a device that is no name")
    if not all(isinstance(extraction.get(name, {}), dict) for name in ("loading", "versions")):
        raise ClaimError("a record of another shape")
    for tensors in (*extraction.get("loading", {}).values(), extraction.get("weights_notes", [])):
        if not isinstance(tensors, list) or not all(isinstance(name, str) for name in tensors):
            raise ClaimError("tensors that are no names")
    if not all(isinstance(version, str) for version in extraction.get("versions", {}).values()):
        raise ClaimError("versions that are no text")
