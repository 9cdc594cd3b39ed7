"""The layers of architectures, kept as JSON so that a warm run names them without torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from featrank.extract import EXTRACTOR_VERSION
from featrank.layers import LayerInfo
from featrank.records import digest_json
from featrank.storage.contained import ClaimError, contained
from featrank.storage.damage import put_away
from featrank.storage.kept_json import read_perhaps_sealed, typed, write_kept

_FORMAT = 2


class LayerIndex:
    """The layers of every architecture that was asked for before.

    Args:
        directory: The cache directory; None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._root = directory
        self._known: dict[str, tuple[LayerInfo, ...]] = {}

    def get(self, name: str, input_size: tuple[int, int, int]) -> tuple[LayerInfo, ...]:
        """The layers of a timm model in depth order; no weights are needed.

        Args:
            name: timm's, with or without a tag.
            input_size: Channels, height, width.

        Raises:
            IncompleteError: timm cannot build it.
        """
        key = {
            "format": _FORMAT,
            "name": name,
            "input_size": list(input_size),
            "extractor": EXTRACTOR_VERSION,
            "timm": version("timm"),
        }
        file = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)[:60]}.{digest_json(key)[:16]}.json"
        if file in self._known:
            return self._known[file]
        path = self._root / "layers" / file if self._root else None
        layers = _read(self._root, path, key) if self._root and path else None
        if layers is None:
            from featrank.extract.architectures import describe_architecture

            layers = describe_architecture(name, input_size)
            if self._root is not None and path is not None:
                document = {"key": key, "layers": [layer.document for layer in layers]}
                # The file only saves time: a read-only cache must not stop a run.
                with suppress(OSError, ClaimError):
                    write_kept(contained(self._root, path), document)
        self._known[file] = layers
        return layers


def _read(root: Path, path: Path, key: Mapping[str, Any]) -> tuple[LayerInfo, ...] | None:
    """What is kept; None where nothing is, or it is damaged: it is made again."""
    try:
        document, sealed = read_perhaps_sealed(root, path)
        if not sealed or document.get("key") != key:
            return None
        return typed(document.get("layers"), tuple[LayerInfo, ...])
    except OSError:
        return None
    except ClaimError as error:
        put_away(root, path, error)
        return None
