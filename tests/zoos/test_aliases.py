from __future__ import annotations

import pytest

from featrank.zoos._aliases import ALIASES, expand_alias
from featrank.zoos._timm_index import TimmIndex

SPELLINGS = {
    "vit_base_patch16_224": "vit_b_16 vit_b16 vit-b/16 ViT-B/16 vit_base_16 ViT_B_16 vitb16",
    "vit_base_patch32_224": "vit_b_32 vit-b-32",
    "vit_large_patch16_224": "vit_l_16 ViT-L/16",
    "vit_large_patch32_224": "vit_l_32 vit_l32",
    "vit_huge_patch14_224": "vit_h_14",
    "vit_tiny_patch16_224": "vit_ti_16 ViT-Ti/16",
    "vit_base_patch16_384": "vit_b16_384",
    "deit_small_patch16_224": "deit_s16 DeiT-S/16",
    "beit_base_patch16_224": "beit_b16",
    "mixer_b16_224": "mixer_b16 mlp-mixer-b/16",
    "vit_small_patch14_dinov2": "dinov2_vits14 dinov2_s14",
    "vit_base_patch14_dinov2": "dinov2-vitb14",
    "swin_tiny_patch4_window7_224": "swin_t Swin-T swin-tiny",
    "swin_base_patch4_window7_224": "swin_b",
    "swinv2_base_window8_256": "swin_v2_b swinv2_b",
    "convnext_tiny": "convnext_t ConvNeXt-T",
    "convnextv2_base": "convnextv2_b",
    "tf_efficientnetv2_s": "efficientnet_v2_s efficientnetv2_s EfficientNetV2-S",
    "tf_efficientnet_b7": "efficientnet_b7",
    "efficientnet_b0": "efficientnet-b0 EfficientNet_B0",
    "mobilenetv2_100": "mobilenet_v2 mobilenet-v2",
    "mobilenetv3_large_100": "mobilenet_v3_large",
    "mobilenetv3_small_100": "mobilenet_v3_small",
    "mnasnet_100": "mnasnet1_0",
    "regnety_004": "regnet_y_400mf",
    "regnety_016": "regnet_y_1_6gf",
    "regnety_1280": "regnet_y_128gf",
    "regnetx_320": "regnet_x_32gf",
    "maxvit_tiny_tf_224": "maxvit_t",
    "wide_resnet50_2": "wide_resnet50_2 wide-resnet50-2",
    "inception_v3": "inception_v3",
    "densenet121": "densenet121 DenseNet-121",
    "vgg16": "VGG16 vgg-16",
    "resnet50": "resnet50 ResNet-50 resnet-50 timm/resnet50",
}
PAIRS = [(text, name) for name, texts in SPELLINGS.items() for text in texts.split()]


@pytest.mark.parametrize(("text", "name"), PAIRS)
def test_spelling(text: str, name: str, index: TimmIndex) -> None:
    assert expand_alias(text, index.pretrained_architectures()) == name


def test_every_target_exists(index: TimmIndex) -> None:
    assert set(ALIASES.values()) <= set(index.architectures())


def test_every_name_is_its_own(index: TimmIndex) -> None:
    known = index.architectures()
    assert all(expand_alias(name, known) == name for name in known)


@pytest.mark.parametrize("text", ["", "resnet", "vit", "nothing", "resnet5", "/", "vit_b_17"])
def test_what_means_nothing(text: str, index: TimmIndex) -> None:
    assert expand_alias(text, index.architectures()) is None
