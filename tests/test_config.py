import json
from pathlib import Path

import pytest

from featrank.config import RunConfig
from featrank.errors import InputError
from featrank.records import Selection


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
        ({"precision": "float8"}, "--precision"),
    ],
)
def test_out_of_range_names_the_flag(settings: dict[str, object], flag: str) -> None:
    with pytest.raises(InputError, match=flag):
        RunConfig("data", ("vit",), **settings)  # type: ignore[arg-type]
