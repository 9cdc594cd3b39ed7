from __future__ import annotations

import pytest

from featrank.errors import InputError
from featrank.zoos._names import find_name, match_names
from featrank.zoos._timm_index import TimmIndex


def found(text: str, index: TimmIndex) -> tuple[str, bool, str]:
    named = find_name(text, index, pretrained=True)
    assert named is not None
    return named.entry.name, named.tagged, named.note


def test_plain_names_need_no_note(index: TimmIndex) -> None:
    assert found("resnet50", index) == ("resnet50.a1_in1k", False, "")
    assert found("resnet50.tv_in1k", index) == ("resnet50.tv_in1k", True, "")


def test_aliases_say_what_they_became(index: TimmIndex) -> None:
    name = "vit_base_patch16_224.augreg2_in21k_ft_in1k"
    assert found("vit_b16", index) == (name, False, f"vit_b16 -> {name}")
    assert found("vit_b16.mae", index)[:2] == ("vit_base_patch16_224.mae", True)


def test_renamed_models_follow(index: TimmIndex) -> None:
    assert found("convnext_tiny_in22ft1k", index)[0] == "convnext_tiny.fb_in22k_ft_in1k"


def test_unknown(index: TimmIndex) -> None:
    assert find_name("resnet5", index, pretrained=True) is None
    with pytest.raises(InputError, match="no weights tagged 'imagenet'") as caught:
        find_name("resnet50.imagenet", index, pretrained=True)
    assert "a1_in1k" in caught.value.hint


def test_a_dot_widens_a_wildcard_to_tags(index: TimmIndex) -> None:
    known = index.pretrained_architectures(), index.pretrained_names()
    assert "resnet50" in match_names("ResNet5?", *known)
    assert set(match_names("resnet50.tv*", *known)) == {"resnet50.tv_in1k", "resnet50.tv2_in1k"}
