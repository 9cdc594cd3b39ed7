"""timm's pretrained models, with weights from the hub's cache or the hub."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from featrank.errors import IncompleteError, InputError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import is_wildcard
from featrank.zoos._cards import Card
from featrank.zoos._hub import HUB, candidate_files
from featrank.zoos._hub_answers import WAYS_OUT
from featrank.zoos._hub_cache import is_in_hub_cache
from featrank.zoos._names import find_name, match_names
from featrank.zoos._pretraining import pretraining_data
from featrank.zoos._timm_built import TimmBuilt
from featrank.zoos._timm_index import IndexEntry, TimmIndex
from featrank.zoos._url_files import fetch_url_file, find_url_file, is_stored, url_file_size
from featrank.zoos._zoo import Loaded, Shelf

if TYPE_CHECKING:
    from torch import nn

# Made by scripts/make_model_table.py; data/timm_models.md says from what.
_TABLE = Path(__file__).with_name("data") / "timm_models.csv"


class TimmZoo(TimmBuilt):
    """``timm:NAME``, and what a bare name means."""

    name = "timm"
    takes_bare_names = True

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """Names, aliases and wildcards over the models that have weights.

        Raises:
            InputError: The architecture is known, its tag is not or it has no weights.
        """
        index = shelf.of(TimmIndex)
        if is_wildcard(text):
            names = match_names(text, index.pretrained_architectures(), index.pretrained_names())
            return [ref for name in names for ref in self.resolve(name, shelf)]
        named = find_name(text, index, pretrained=True)
        if named is None:
            return []
        entry = named.entry
        if not entry.has_weights:
            raise InputError(
                f"timm has no weights for '{entry.name}'",
                f"rank it untrained as random:{entry.architecture}, "
                f"or with your own weights as {entry.architecture}@FILE.safetensors",
            )
        return [ModelRef(text, self.name, entry.name, entry.architecture, named.note)]

    def names(self, shelf: Shelf) -> list[str]:
        """Every architecture that has weights."""
        return shelf.of(TimmIndex).pretrained_architectures()

    def cards(self, pattern: str, shelf: Shelf) -> Iterable[Card]:
        """Size, cost, accuracy and licence of the models that a name or wildcard means.

        An architecture stands for all its weights. A pattern with a dot is one over full names.
        """
        index = shelf.of(TimmIndex)
        return (_card(index.entry(name)) for name in _full_names(pattern, index))

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """timm's data configuration of these weights."""
        return shelf.of(TimmIndex).entry(model.name).preprocessing

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights | None:
        """The file in the hub's or torch's cache.

        Raises:
            IncompleteError: It is there and damaged.
        """
        entry = shelf.of(TimmIndex).entry(model.name)
        if entry.hub_id:
            return HUB.find(entry.hub_id, candidate_files(entry.hub_filename), shelf.hashes)
        return find_url_file(entry.url, shelf.hashes) if entry.url else None

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The file, downloaded where it is not in the cache.

        Raises:
            IncompleteError: Out of reach, or damaged.
        """
        found = self.find_weights(model, shelf)
        if found is not None:
            return found
        entry = shelf.of(TimmIndex).entry(model.name)
        if entry.hub_id:
            files = candidate_files(entry.hub_filename)
            return HUB.fetch(entry.hub_id, files, shelf.hashes, shelf.reporter)
        if entry.url and not entry.custom_load:
            return fetch_url_file(entry.url, shelf.hashes, shelf.reporter)
        raise IncompleteError(f"timm has no readable weights for '{entry.name}'", WAYS_OUT)

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """As the hub announces it.

        Raises:
            IncompleteError: The hub does not.
        """
        entry = shelf.of(TimmIndex).entry(model.name)
        if not entry.hub_id:
            return url_file_size(entry.url) if entry.url else None
        return HUB.size(entry.hub_id, candidate_files(entry.hub_filename))

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network, built by timm so that its own conversions of the weights apply.

        Raises:
            IncompleteError: The file does not hold this model's weights.
        """
        import timm

        # With `file` set timm reads that file and nothing else, so nothing is downloaded.
        # `custom_load` describes the foreign file at `url`; the hub's copies are ordinary ones.
        overlay = {"file": str(weights.path), "custom_load": False}
        try:
            network: nn.Module = timm.create_model(
                model.name, pretrained=True, pretrained_cfg_overlay=overlay
            )
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
            raise IncompleteError(
                f"cannot load {model.name} from {weights.path}: {reason}",
                "delete that file to fetch it again, or try another timm version",
            ) from error
        return Loaded(network.eval())


def _full_names(pattern: str, index: TimmIndex) -> Iterator[str]:
    known = set(index.pretrained_names())
    matched = match_names(pattern, index.pretrained_architectures(), index.pretrained_names())
    if not matched and (named := find_name(pattern, index, pretrained=True)):
        matched = [named.entry.name if named.tagged else named.entry.architecture]
    for match in matched:
        if match in known:
            yield match
        else:
            yield from (f"{match}.{tag}" if tag else match for tag in index.tags(match))


@cache
def _figures() -> dict[str, dict[str, str]]:
    with _TABLE.open(newline="") as stream:
        return {row["name"]: row for row in csv.DictReader(stream)}


def _card(entry: IndexEntry) -> Card:
    figures = _figures().get(entry.name, {})

    def whole(column: str) -> int | None:
        return int(figures[column]) if figures.get(column) else None

    return Card(
        name=entry.name,
        n_params=whole("n_params"),
        macs=whole("macs"),
        input_size=entry.preprocessing.input_size,
        n_features=whole("n_features"),
        pretrained_on=pretraining_data(entry.tag),
        top1=float(figures["top1"]) if figures.get("top1") else None,
        top1_size=whole("top1_size"),
        license=entry.license,
        cached=_is_cached(entry),
    )


def _is_cached(entry: IndexEntry) -> bool:
    if entry.hub_id:
        # One entry that names no repository must not keep the others from being listed.
        with suppress(InputError):
            return is_in_hub_cache(entry.hub_id, candidate_files(entry.hub_filename))
        return False
    return bool(entry.url) and is_stored(entry.url or "")


ZOO = TimmZoo()
