"""The layers of networks, kept as JSON so that a warm run names them without torch."""

from __future__ import annotations

import re
from pathlib import Path

from featrank.layers import EXTRACTOR_VERSION
from featrank.layers.names import LayerInfo
from featrank.records import ModelRef
from featrank.storage.digest import digest_json
from featrank.storage.kept_index import kept_or_made
from featrank.zoos import ZOOS, Shelf, zoo_of

_FORMAT = 3


class LayerIndex:
    """The layers of every network that was asked for before.

    Args:
        directory: The cache directory; None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._root = directory
        self._known: dict[str, tuple[LayerInfo, ...]] = {}

    def get(
        self, model: ModelRef, input_size: tuple[int, int, int], shelf: Shelf
    ) -> tuple[LayerInfo, ...]:
        """The layers of a model in depth order, without its weights where its zoo can do that.

        Args:
            model: The model.
            input_size: Channels, height, width.
            shelf: What the zoos share.

        Raises:
            IncompleteError: Its zoo cannot build it.
        """
        built = zoo_of(model).layers_key(model, shelf)
        origin = ZOOS.origin(model.zoo)
        key = {
            **built,
            **({"origin": origin} if origin else {}),
            "format": _FORMAT,
            "input_size": list(input_size),
            "extractor": EXTRACTOR_VERSION,
        }
        name = str(built.get("name", model.name))
        file = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)[:60]}.{digest_json(key)[:16]}.json"
        if file in self._known:
            return self._known[file]

        def describe() -> tuple[LayerInfo, ...]:
            from featrank.layers.architectures import describe_model

            return describe_model(model, input_size, shelf)

        shape = tuple[LayerInfo, ...]
        layers = kept_or_made(self._root, f"layers/{file}", key, shape, describe)
        self._known[file] = layers
        return layers
