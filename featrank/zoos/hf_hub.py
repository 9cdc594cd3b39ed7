"""Any timm model of the hub: ``hf-hub:org/name``, with ``@revision`` where one is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from featrank.errors import IncompleteError, InputError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.storage.file_hashes import FileHashes
from featrank.zoos._cards import Card
from featrank.zoos._fitting import load_fitting
from featrank.zoos._hub import HUB, candidate_files
from featrank.zoos._model_config import ModelConfig, read_model_config
from featrank.zoos._timm_built import TimmBuilt
from featrank.zoos._timm_index import TimmIndex
from featrank.zoos._zoo import Loaded, Shelf

_CONFIG = ("config.json",)
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


class HfHubZoo(TimmBuilt):
    """``hf-hub:ORG/NAME``: the repository's ``config.json`` says what is built.

    Where that file is out of reach the model has no architecture; every later step then gives
    the reason.
    """

    name = "hf-hub"

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """One repository; its small ``config.json`` is fetched where it is not cached.

        Raises:
            InputError: Not a repository's name, or it describes no timm model.
        """
        if not _HUB_ID.fullmatch(text):
            return []
        try:
            config = self._config(text, shelf.hashes, shelf.of(TimmIndex))
        except IncompleteError:
            return [ModelRef(text, self.name, text, "")]
        note = f"a {config.architecture}"
        return [ModelRef(text, self.name, text, config.identity, note)]

    def names(self, shelf: Shelf) -> list[str]:
        """None: the hub is not listed."""
        return []

    def cards(self, pattern: str, shelf: Shelf) -> Iterable[Card]:
        """The repository; what it says of itself only where that is on this machine."""
        if _HUB_ID.fullmatch(pattern):
            known = HUB.find(pattern, _CONFIG, shelf.hashes) is not None
            yield from super().cards(pattern, shelf) if known else [Card(pattern)]

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """As the repository says.

        Raises:
            IncompleteError: It is out of reach.
        """
        return self._config(model.name, shelf.hashes).preprocessing

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights | None:
        """The file in the hub's cache.

        Raises:
            IncompleteError: It is there and damaged.
        """
        cached = HUB.find(model.name, _CONFIG, shelf.hashes)
        if cached is None or not model.architecture:
            return None
        filename = self._config(model.name, shelf.hashes).filename
        return HUB.find(model.name, candidate_files(filename), shelf.hashes)

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The file, downloaded.

        Raises:
            IncompleteError: Out of reach.
        """
        config = self._config(model.name, shelf.hashes)
        if not model.architecture:
            raise IncompleteError(f"{model.id} was out of reach a moment ago", "run again")
        files = candidate_files(config.filename)
        return HUB.fetch(model.name, files, shelf.hashes, shelf.reporter)

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """As the hub announces it.

        Raises:
            IncompleteError: The hub does not.
        """
        return HUB.size(
            model.name, candidate_files(self._config(model.name, shelf.hashes).filename)
        )

    def built(self, model: ModelRef) -> tuple[str, Mapping[str, Any]]:
        """What the repository describes."""
        config = self._config(model.name, FileHashes())
        return config.architecture, config.built

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network that the repository describes.

        Raises:
            IncompleteError: The file does not hold its weights.
        """
        config = self._config(model.name, FileHashes())
        try:
            return load_fitting(config.architecture, weights, config.built, config.n_classes)
        except InputError as error:
            raise IncompleteError(error.message, "try another revision of it") from error

    def _config(
        self, hub_id: str, hashes: FileHashes, index: TimmIndex | None = None
    ) -> ModelConfig:
        """What the repository's ``config.json`` says."""
        found = HUB.find(hub_id, _CONFIG, hashes) or HUB.fetch(hub_id, _CONFIG, hashes)
        if found.path is None:
            raise ValueError("a hub's file has a path")
        return read_model_config(found.path, f"hf-hub:{hub_id}", index)


ZOO = HfHubZoo()
