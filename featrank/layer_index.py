"""The layers of architectures, kept as JSON so that a warm run names them without torch."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from featrank.extract import EXTRACTOR_VERSION
from featrank.layers import LayerInfo
from featrank.records import digest_json
from featrank.storage.atomic import write_text

_FORMAT = 2


class LayerIndex:
    """The layers of every architecture that was asked for before.

    Args:
        directory: The cache directory; None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory / "layers" if directory else None
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
        path = self._directory / file if self._directory else None
        layers = _read(path) if path else None
        if layers is None:
            from featrank.extract.architectures import describe_architecture

            layers = describe_architecture(name, input_size)
            if path is not None:
                document = {"key": key, "layers": [layer.document for layer in layers]}
                # The file only saves time: a read-only cache must not stop a run.
                with suppress(OSError):
                    write_text(path, json.dumps(document, separators=(",", ":")))
        self._known[file] = layers
        return layers


def _read(path: Path) -> tuple[LayerInfo, ...] | None:
    try:
        layers = json.loads(path.read_bytes())["layers"]
        return tuple(LayerInfo.from_document(layer) for layer in layers)
    except (OSError, ValueError, KeyError, TypeError):
        # Lost or damaged: it is made again.
        return None
