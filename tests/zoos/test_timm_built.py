from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from featrank.records import ModelRef
from featrank.zoos import ZOOS, Shelf, resolve_models, zoo_of
from featrank.zoos._timm_built import TimmBuilt, usable

MODEL = ModelRef("x", "any", "test_vit", "test_vit")


class Variant(TimmBuilt):
    name = "any"

    def built(self, model: ModelRef) -> tuple[str, Mapping[str, Any]]:
        return model.name, {"img_size": 96, "checkpoint_path": "/etc/passwd"}


def test_a_variant_is_built_as_it_is_described() -> None:
    network = Variant().build(MODEL)
    assert network.patch_embed.img_size == (96, 96)
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}
    assert usable({"num_classes": 3, "img_size": 96}) == {"img_size": 96}


def test_zoos_that_build_the_same_share_a_list(shelf: Shelf) -> None:
    same = {"name": "test_vit.r160_in1k", "timm": version("timm")}
    for name in ("timm:test_vit", "random:test_vit.r160_in1k"):
        (model,) = resolve_models([name], shelf)
        assert zoo_of(model).layers_key(model, shelf) == same
    key = Variant().layers_key(MODEL, shelf)
    assert key == {"name": "test_vit", "timm": version("timm"), "arguments": {"img_size": 96}}


def test_aliases_are_spellings_and_no_names(shelf: Shelf) -> None:
    zoo = ZOOS.get("timm")
    assert "swin_t" in zoo.spellings(shelf)
    assert "swin_t" not in zoo.names(shelf)
