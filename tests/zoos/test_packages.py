from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from featrank.errors import IncompleteError, InputError
from featrank.records import ModelRef
from featrank.zoos import Filters, Shelf, list_cards
from featrank.zoos.packages import CARRIERS, ZOO, Carrier, pair_in_order, rename_efficientnet

INSTALLED = [carrier for carrier in CARRIERS if carrier.find()]
needs_lite0 = pytest.mark.skipif(
    CARRIERS[0].find() is None, reason=f"needs the package {CARRIERS[0].distribution}"
)


@needs_lite0
def test_it_is_listed_with_timms_figures(shelf: Shelf) -> None:
    (theirs,) = list_cards(["timm:tf_efficientnet_lite0"], Filters(), shelf)
    (ours,) = list_cards(["package:tf_efficientnet_lite0"], Filters(), shelf)
    assert ours == replace(theirs, name=f"package:{theirs.name}")
    assert ours.cached


@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.distribution)
def test_real_weights_name_real_photos(carrier: Carrier, shelf: Shelf) -> None:
    if carrier.find() is None:
        pytest.skip(f"needs the package {carrier.distribution}")
    import torch
    from PIL import Image
    from sklearn.datasets import load_sample_images
    from timm.data import ImageNetInfo, create_transform

    (model,) = ZOO.resolve(carrier.model, shelf)
    network = ZOO.load(model, ZOO.fetch_weights(model, shelf)).network
    transform = create_transform(**ZOO.preprocessing(model, shelf).to_config())
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    with torch.inference_mode():
        logits = network(torch.stack([transform(photo) for photo in photos]))
    names = ImageNetInfo()
    china, flower = (
        " ".join(names.index_to_description(int(index)) for index in row.topk(3).indices)
        for row in logits
    )
    assert "palace" in china or "monastery" in china
    # The flower is a dahlia, which ImageNet lacks: the larger two see honeycomb first.
    assert "daisy" in flower or carrier is not CARRIERS[0]


@needs_lite0
def test_the_package_is_not_imported(shelf: Shelf) -> None:
    (model,) = ZOO.resolve("tf_efficientnet_lite0", shelf)
    ZOO.find_weights(model, shelf)
    assert CARRIERS[0].module not in sys.modules
    assert model.note.endswith(CARRIERS[0].distribution)


def test_wildcards_match_what_is_installed(shelf: Shelf) -> None:
    found = [model.name for model in ZOO.resolve("tf_efficientnet_lite*", shelf)]
    assert found == [carrier.model for carrier in INSTALLED] == ZOO.names(shelf)


def test_a_missing_package_is_named(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert ZOO.names(shelf) == []
    with pytest.raises(InputError, match="not installed") as caught:
        ZOO.resolve("tf_efficientnet_lite0", shelf)
    assert caught.value.hint == f"pip install {CARRIERS[0].distribution}"
    model = ModelRef("x", "package", CARRIERS[0].model, "tf_efficientnet_lite0")
    assert ZOO.find_weights(model, shelf) is None
    with pytest.raises(IncompleteError) as missing:
        ZOO.fetch_weights(model, shelf)
    assert missing.value.hint == caught.value.hint


def test_pairing_is_strict() -> None:
    import torch

    ours = {"conv_stem.weight": torch.zeros(2), "blocks.0.0.conv_dw.weight": torch.zeros(3)}
    theirs = {
        "_conv_stem.weight": torch.ones(2),
        "_blocks.0._depthwise_conv.weight": torch.ones(3),
    }
    paired = pair_in_order(theirs, ours, rename_efficientnet)
    assert list(paired) == list(ours)
    assert all(tensor.all() for tensor in paired.values())

    def refuses(file: dict[str, torch.Tensor], says: str) -> None:
        with pytest.raises(InputError, match=says):
            pair_in_order(file, ours, rename_efficientnet)

    stem, block = theirs
    refuses({stem: theirs[stem]}, "1 tensors")
    refuses(theirs | {stem: torch.ones(4)}, r"'_conv_stem.weight' is \(4,\)")
    refuses({stem: theirs[stem], "_blocks.1._x.weight": theirs[block]}, "stands where")
    refuses({stem: theirs[stem], "_blocks.0._x.bias": theirs[block]}, "stands where")
    refuses({"_conv_head.weight": theirs[stem], block: theirs[block]}, "stands where")
