"""Where models come from: one file a zoo, found by scanning this folder."""

from __future__ import annotations

from featrank.zoos._cards import Card
from featrank.zoos._catalogue import Filters, list_cards
from featrank.zoos._known import ZOOS, build_network, load_network, zoo_of
from featrank.zoos._resolve import resolve_models
from featrank.zoos._zoo import Loaded, Shelf, Zoo

__all__ = [
    "ZOOS",
    "Card",
    "Filters",
    "Loaded",
    "Shelf",
    "Zoo",
    "build_network",
    "list_cards",
    "load_network",
    "resolve_models",
    "zoo_of",
]
