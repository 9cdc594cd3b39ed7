from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from featrank.errors import IncompleteError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.zoos import Shelf, Zoo

MODEL = ModelRef("small", "mine", "small", "mine:small")


class Mine(Zoo):
    name = "mine"

    def names(self, shelf: Shelf) -> list[str]:
        return ["small", "large", "small.v2"]

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        return Preprocessing((3, 8, 8), 1.0, "center", "bilinear", (0.5,) * 3, (0.5,) * 3)

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights | None:
        path = (shelf.directory or Path()) / f"{model.name}.safetensors"
        return Weights(shelf.hashes.get(path), path) if path.is_file() else None

    def build(self, model: ModelRef) -> Any:
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(192, 4))


def test_a_shelf_remembers_for_each_zoo_what_it_makes_once(tmp_path: Path) -> None:
    made: list[Path | None] = []

    def remember(directory: Path | None) -> list[Path | None]:
        made.append(directory)
        return made

    shelf = Shelf.at(tmp_path)
    assert shelf.of(remember) is shelf.of(remember)
    assert made == [tmp_path]
    assert Shelf().of(remember) == [tmp_path, None]


def test_names_and_wildcards_are_over_the_names() -> None:
    zoo, shelf = Mine(), Shelf()
    assert zoo.resolve("small", shelf) == [MODEL]
    assert [model.name for model in zoo.resolve("small*", shelf)] == ["small", "small.v2"]
    assert zoo.resolve("smal", shelf) == []
    assert zoo.spellings(shelf) == zoo.names(shelf)
    assert not zoo.claims("small@x")
    assert zoo.nearer(MODEL, shelf) is None


def test_weights_fill_what_was_built(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    zoo, shelf = Mine(), Shelf(tmp_path)
    with pytest.raises(IncompleteError, match="mine:small are not on this machine"):
        zoo.fetch_weights(MODEL, shelf)
    assert [card.cached for card in zoo.cards("small", shelf)] == [False]
    state = zoo.build(MODEL).state_dict()
    save_file(state, tmp_path / "small.safetensors")
    assert [card.cached for card in zoo.cards("small", shelf)] == [True]
    assert zoo.download_size(MODEL, shelf) == 0
    loaded = zoo.load(MODEL, zoo.fetch_weights(MODEL, shelf)).network
    assert not loaded.training
    assert all(torch.equal(loaded.state_dict()[name], state[name]) for name in state)
    save_file({"1.weight": torch.zeros(4, 7)}, tmp_path / "small.safetensors")
    with pytest.raises(IncompleteError, match="cannot load mine:small"):
        zoo.load(MODEL, Weights("", tmp_path / "small.safetensors"))
