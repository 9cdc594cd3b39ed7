from __future__ import annotations

import pytest

from featrank.zoos._pretraining import pretraining_data
from featrank.zoos._timm_index import TimmIndex


@pytest.mark.parametrize(
    ("tag", "data"),
    [
        ("a1_in1k", ("in1k",)),
        ("augreg2_in21k_ft_in1k", ("in21k", "in1k")),
        ("laion2b_ft_in12k_in1k", ("laion2b", "in12k", "in1k")),
        ("fb_swsl_ig1b_ft_in1k", ("ig1b", "in1k")),
        ("in1k_pt_in1k", ("in1k",)),
        ("openai", ("openai",)),
        ("", ()),
        ("distilled", ()),
    ],
)
def test_tags(tag: str, data: tuple[str, ...]) -> None:
    assert pretraining_data(tag) == data


def test_most_of_timms_tags_name_their_data(index: TimmIndex) -> None:
    named = [bool(pretraining_data(index.entry(n).tag)) for n in index.pretrained_names()]
    assert sum(named) > 0.85 * len(named)
