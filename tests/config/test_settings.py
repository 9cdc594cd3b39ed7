import json
from pathlib import Path

import pytest

from featrank.config import DEVICES, RunConfig, Selection
from featrank.errors import InputError


def test_document_is_json() -> None:
    config = RunConfig("data", ("vit",), cache_dir=Path("c"), selection=Selection(seed=3))
    document = json.loads(json.dumps(config.document))
    assert document["models"] == ["vit"]
    assert document["selection"]["seed"] == 3
    assert document["cache_dir"] == "c"


@pytest.mark.parametrize(
    ("settings", "flag"),
    [
        ({"batch_size": 0}, "--batch-size"),
        ({"workers": -1}, "--workers"),
        ({"rows_per_part": 0}, "--part-rows"),
        ({"selection": Selection(limit_per_class=0)}, "--limit-per-class"),
        ({"selection": Selection(max_images=0)}, "--max-images"),
        ({"cache": "maybe"}, "--cache"),
        ({"device": "tpu"}, "--device"),
        ({"device": "cuda:"}, "--device"),
        ({"device": "cuda:-1"}, "--device"),
        ({"device": "cuda:01"}, "--device"),
        ({"device": "cuda:1\n"}, "--device"),
        ({"device": "cpu:0"}, "--device"),
        ({"device": "cuda:N"}, "--device"),
        ({"precision": "float8"}, "--precision"),
    ],
)
def test_out_of_range_names_the_flag(settings: dict[str, object], flag: str) -> None:
    with pytest.raises(InputError, match=flag):
        RunConfig("data", ("vit",), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("device", ["auto", "cpu", "mps", "cuda", "cuda:0", "cuda:12"])
def test_a_gpu_may_be_named_by_number(device: str) -> None:
    assert RunConfig("data", ("vit",), device=device).device == device


def test_every_device_that_is_listed_can_be_named() -> None:
    for name in DEVICES:
        assert RunConfig("d", ("m",), device=name.replace("N", "0")).device


def test_shards_share_the_candidates_out_without_rest_and_without_overlap() -> None:
    names = list("abcdefg")
    shares = [RunConfig("d", ("m",), shard=f"{i}/3").own_share(names) for i in (1, 2, 3)]
    assert shares == [["a", "d", "g"], ["b", "e"], ["c", "f"]]
    assert RunConfig("d", ("m",)).own_share(names) == names
    with pytest.raises(InputError, match="--shard"):
        RunConfig("d", ("m",), shard="4/3")


def test_the_stamp_tells_configurations_apart() -> None:
    one, other = (RunConfig("d", ("m",), batch_size=size) for size in (1, 2))
    facts = one.stamp_facts("f" * 64)
    assert facts["hashes"]["target"] == "f" * 64
    assert facts["hashes"]["config"] != other.stamp_facts("f" * 64)["hashes"]["config"]
    assert facts == RunConfig("d", ("m",), batch_size=1).stamp_facts("f" * 64)
