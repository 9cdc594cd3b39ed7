"""The listing: timm's own registry and published tables are the reference."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

from featrank.config.catalogue import SORTS
from featrank.errors import InputError
from featrank.zoos import Card, Filters, Shelf, list_cards
from featrank.zoos._hub import HUB, candidate_files
from featrank.zoos._timm_index import TimmIndex

# Twenty rows drawn at random from timm's results-imagenet.csv of 2026-08-08: name, input size,
# top-1, millions of parameters; and GMACs from its inference benchmark at that size.
PUBLISHED = """
repvit_m2_3.dist_450e_in1k,224,83.746,23.69,4.57
test_byobnet.r160_in1k,160,45.858,0.46,0.03
eva02_small_patch14_336.mim_in22k_ft_in1k,336,85.770,22.13,15.48
tf_efficientnet_b4.aa_in1k,380,83.040,19.34,4.49
xception65.tf_in1k,299,79.558,39.92,13.96
convnextv2_base.fcmae_ft_in22k_in1k_384,384,87.638,88.72,45.21
vit_large_patch16_384.augreg_in21k_ft_in1k,384,87.096,304.72,191.21
fastvit_t8.apple_in1k,256,76.184,4.03,0.7
senet154.gluon_in1k,224,81.258,115.09,20.77
caformer_m36.sail_in22k_ft_in1k,224,86.606,56.20,13.29
xcit_small_12_p8_224.fb_in1k,224,83.354,26.21,18.69
eva02_tiny_patch14_336.mim_in22k_ft_in1k,336,80.648,5.76,4.68
convnext_large.fb_in22k_ft_in1k_384,384,87.456,197.77,101.1
tinynet_c.in1k,184,71.214,2.46,0.11
poolformerv2_s36.sail_in1k,224,81.576,30.79,5.01
coatnet_rmlp_1_rw2_224.sw_in12k_ft_in1k,224,84.940,41.72,8.11
convnext_large_mlp.clip_laion2b_soup_ft_in12k_in1k_320,320,87.970,200.13,70.21
beit_base_patch16_384.in22k_ft_in22k_in1k,384,86.814,86.74,55.54
xcit_tiny_24_p16_384.fb_dist_in1k,384,82.580,12.12,6.87
resnext101_32x8d.fb_wsl_ig1b_ft_in1k,224,82.720,88.79,16.48
"""


@pytest.fixture(autouse=True)
def empty_hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def listed(shelf: Shelf, *patterns: str, sort: str | None = None, **filters: object) -> list[Card]:
    return list_cards(patterns, Filters(**filters), shelf, sort)


@pytest.mark.parametrize("pattern", ["*", "resnet*", "vit_*_patch16_*", "*.fb_in1k", "test_vit?"])
def test_what_timms_registry_lists(pattern: str, shelf: Shelf) -> None:
    import timm

    assert sorted(c.name for c in listed(shelf, pattern)) == sorted(timm.list_pretrained(pattern))


@pytest.mark.parametrize("row", PUBLISHED.split(), ids=lambda row: row.partition(",")[0])
def test_figures_are_timms_published_ones(row: str, shelf: Shelf) -> None:
    name, size, top1, millions, gmacs = row.split(",")
    (card,) = listed(shelf, name)
    assert card.top1 == float(top1)
    assert card.n_params is not None
    assert card.n_params / 1e6 == pytest.approx(float(millions), abs=0.0051)
    if card.input_size[1] == int(size):
        assert card.top1_size == int(size)
        assert card.macs == pytest.approx(float(gmacs) * 1e9)


def test_parameters_and_widths_are_timms_own(shelf: Shelf) -> None:
    import timm
    import torch

    small = [c for c in listed(shelf, max_params=30e6) if c.name.startswith(tuple("bcdefghilmnr"))]
    for card in random.Random(0).sample(small, 12):
        with torch.device("meta"):
            network = timm.create_model(card.name, pretrained=False).eval()
            assert card.n_params == sum(p.numel() for p in network.parameters()), card.name
            features = network.forward_features(torch.zeros(1, *card.input_size))
            width = network.forward_head(features, pre_logits=True).flatten(1).shape[1]
        assert card.n_features == width, card.name


def test_nearly_every_model_has_figures(shelf: Shelf) -> None:
    cards = listed(shelf)
    assert len(cards) > 1000
    assert sum(c.n_params is not None and c.macs is not None for c in cards) > 0.98 * len(cards)


def test_filters(shelf: Shelf) -> None:
    cards = listed(
        shelf, "resnet*", exclude=("resnet1*", "*.tv_*"), max_params=30e6, min_top1=80.0,
        license="apache*", pretrained_on="in1k",
    )  # fmt: skip
    assert len(cards) > 5
    for card in cards:
        assert card.name.startswith("resnet")
        assert not card.name.startswith("resnet1")
        assert ".tv_" not in card.name
        assert card.n_params is not None
        assert card.n_params <= 30e6
        assert card.top1 is not None
        assert card.top1 >= 80
        assert card.license is not None
        assert card.license.startswith("apache")
        assert "in1k" in card.pretrained_on
    assert listed(shelf, "resnet50", pretrained_on="in21*") == []


@pytest.mark.parametrize("sort", SORTS)
def test_sorting(sort: str, shelf: Shelf) -> None:
    cards = listed(shelf, "resnet1*", "vit_tiny*", sort=sort)
    values = [
        {
            "name": c.name, "params": c.n_params, "macs": c.macs, "width": c.n_features,
            "input": c.input_size[1], "top1": -c.top1 if c.top1 is not None else None,
        }[sort]
        for c in cards
    ]  # fmt: skip
    known = [value for value in values if value is not None]
    assert known == sorted(known)
    assert values[: len(known)] == known


def test_names_as_they_are_typed(shelf: Shelf) -> None:
    assert {c.name.partition(".")[0] for c in listed(shelf, "vit_b16")} == {"vit_base_patch16_224"}
    assert [c.name for c in listed(shelf, "resnet50.a1_in1k", "timm:resnet50.a1_in1k")] == [
        "resnet50.a1_in1k"
    ]
    assert len(listed(shelf, "resnet50")) == len(shelf.of(TimmIndex).tags("resnet50"))
    (tv,) = listed(shelf, "torchvision:resnet50.IMAGENET1K_V2")
    assert (tv.n_params, tv.top1) == (25_557_032, 80.858)
    for wrong in ("resnt50", "resnt*", "torchvision:resnt*"):
        with pytest.raises(InputError, match="no model matches"):
            listed(shelf, wrong)


def test_what_is_on_this_machine(hub: LoopbackHub, shelf: Shelf) -> None:
    assert listed(shelf, "test_resnet", cached=True) == []
    HUB.fetch("timm/test_resnet.r160_in1k", candidate_files(None), shelf.hashes)
    asked = len(hub.requests)
    (card,) = listed(shelf, "test_*", cached=True)
    assert card.name == "test_resnet.r160_in1k"
    assert len(hub.requests) == asked
