"""The manifest of one layer's features: written last, so its existence means "complete"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from featrank.errors import IncompleteError
from featrank.records import Skipped, digest_json
from featrank.storage.atomic import write_text

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
        extraction: Device, images a second and versions at the time.
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

    @property
    def n_rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def features_digest(self) -> str:
        """Identifies the stored numbers themselves; scores are kept under it."""
        return digest_json([part.sha256 for part in self.parts])

    def write(self, directory: Path) -> None:
        """Write it into the layer's directory.

        Raises:
            OSError: No room or no permission.
        """
        document = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        write_text(directory / MANIFEST, json.dumps(document, indent=1) + "\n")

    @classmethod
    def read(cls, directory: Path) -> Manifest | None:
        """The manifest of a layer's directory; None where the layer is not complete.

        Raises:
            IncompleteError: It is there but not a manifest.
        """
        path = directory / MANIFEST
        try:
            document = json.loads(path.read_bytes())
            if document.pop("schema_version") != SCHEMA_VERSION:
                return None
            document["skipped"] = tuple(Skipped(**entry) for entry in document["skipped"])
            document["class_names"] = tuple(document["class_names"])
            document["parts"] = tuple(Part(**entry) for entry in document["parts"])
            return cls(**document)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IncompleteError(f"not a manifest ({type(error).__name__})") from error
