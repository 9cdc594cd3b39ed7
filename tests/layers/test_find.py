"""Which layers are found, what they are called, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch

from featrank.layers.find import find_layers
from featrank.layers.names import LayerInfo


def layers(name: str, **options: Any) -> tuple[LayerInfo, ...]:
    with torch.device("meta"):
        network = timm.create_model(name, pretrained=False, **options).eval()
    return find_layers(network, timm.data.resolve_model_data_config(network)["input_size"]).layers


def names(name: str) -> list[str]:
    return [layer.name for layer in layers(name)]


def test_names_are_module_paths_in_depth_order() -> None:
    assert names("test_vit") == [
        "patch_embed", *(f"blocks.{i}" for i in range(6)), "pre_logits", "head",
    ]  # fmt: skip
    assert names("resnet18")[1:-2] == [f"layer{i}.{j}" for i in range(1, 5) for j in range(2)]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("densenet121", "features.denseblock2"),
        ("vgg11", "features.4"),
        ("inception_v3", "Mixed_5b"),
        ("nasnetalarge", "cell_17"),
        ("dla34", "level3"),
        ("hrnet_w18_small", "stage3.0"),
        ("dpn68", "features.conv4_2"),
        ("legacy_xception", "block4"),
        ("cs3darknet_focus_s", "stages.1"),
        ("regnetx_002", "s4.b3"),
        ("dm_nfnet_f0", "stages.2.0"),
        ("nest_tiny", "levels.1"),
    ],
)
def test_families_of_every_shape_have_layers(name: str, layer: str) -> None:
    found = layers(name)
    known = {alias for info in found for alias in (info.name, *info.aliases)}
    assert layer in known, sorted(known)
    assert len(found) >= 5


def test_the_last_module_of_a_stage_is_its_alias() -> None:
    by_name = {info.name: info for info in layers("resnet18")}
    assert "layer2" in by_name["layer2.1"].aliases


@pytest.mark.parametrize(
    ("name", "layer", "shape", "width", "stride"),
    [
        ("resnet18", "layer3.1", (256, 14, 14), 256, 16),
        ("vit_tiny_patch16_224", "blocks.3", (197, 192), 192, 16),
        ("swin_tiny_patch4_window7_224", "layers.1.blocks.1", (28, 28, 192), 192, 8),
        # 64 channels of 64 by 64: only the other maps tell which axis is which.
        ("cs3darknet_focus_s", "stages.0", (64, 64, 64), 64, 4),
        ("crossvit_9_240", "blocks.0", (401, 128), 128 + 256, 12),
        ("pit_ti_224", "transformers.0", (64, 27, 27), 64, 8),
    ],
)
def test_shape_width_and_stride(
    name: str, layer: str, shape: tuple[int, ...], width: int, stride: int
) -> None:
    info = next(i for i in layers(name) if layer in (i.name, *i.aliases))
    assert (info.shape, info.widths["auto"], info.stride) == (shape, width, stride)


def test_refusals_say_why() -> None:
    info = {i.name: i for i in layers("test_resnet")}["layer1.0"]
    assert info.refusals == {"cls": "it has no class token"}
    # cait's class token comes in after these blocks.
    early = {i.name: i for i in layers("cait_xxs24_224")}["blocks.3"]
    assert "cls" in early.refusals
    assert "cls" in {i.name: i for i in layers("test_vit")}["blocks.3"].widths


def test_a_network_without_classifier_has_no_head() -> None:
    assert [i.name for i in layers("test_resnet", num_classes=0)][-1] == "pre_logits"


def test_costs_grow_to_the_whole() -> None:
    found = layers("resnet50")
    network = timm.create_model("resnet50", pretrained=False)
    assert found[-1].n_params == sum(parameter.numel() for parameter in network.parameters())
    assert found[-1].params_share == found[-1].macs_share == found[-1].activations_share == 1.0
    for count in ("n_params", "macs", "activations"):
        values = [getattr(info, count) for info in found]
        assert values == sorted(values)
    stem = found[0]
    assert stem.macs == 64 * 3 * 7 * 7 * 112 * 112
    assert stem.activations == 64 * 112 * 112


# timm's published GMACs and millions of activations (its benchmark tables, 2026-08-08).
COSTS = {
    "resnet50": (4.11, 11.11),
    "vit_small_patch16_224": (4.61, 11.95),
    "tf_efficientnet_lite0": (0.40, 6.74),
    "convnext_tiny": (4.47, 13.44),
    "swin_tiny_patch4_window7_224": (4.51, 17.06),
    "densenet121": (2.87, 6.90),
}


@pytest.mark.parametrize("name", COSTS)
def test_costs_are_near_the_published_ones(name: str) -> None:
    head = layers(name)[-1]
    gmacs, activations = COSTS[name]
    # Theirs count the multiply-adds of norms and element-wise steps too.
    assert head.macs / 1e9 == pytest.approx(gmacs, rel=0.05)
    assert head.activations / 1e6 == pytest.approx(activations, abs=0.005)
