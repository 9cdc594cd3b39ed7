"""The layers of architectures, kept as JSON so that a warm run names them without torch."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

from featrank.layers import EXTRACTOR_VERSION
from featrank.layers.names import LayerInfo
from featrank.storage.digest import digest_json
from featrank.storage.kept_index import kept_or_made

_FORMAT = 3


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

        def describe() -> tuple[LayerInfo, ...]:
            from featrank.layers.architectures import describe_architecture

            return describe_architecture(name, input_size)

        shape = tuple[LayerInfo, ...]
        layers = kept_or_made(self._root, f"layers/{file}", key, shape, describe)
        self._known[file] = layers
        return layers
