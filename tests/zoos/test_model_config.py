"""config.json, as timm writes it and as others do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from featrank.errors import InputError
from featrank.records import Preprocessing
from featrank.zoos._model_config import ModelConfig, read_model_config
from featrank.zoos._timm_index import TimmIndex


def read(tmp_path: Path, document: object, index: TimmIndex) -> ModelConfig:
    (tmp_path / "config.json").write_text(
        document if isinstance(document, str) else json.dumps(document)
    )
    return read_model_config(tmp_path / "config.json", "here", index)


def test_equals_timms_own_reading(tmp_path: Path, index: TimmIndex) -> None:
    import timm
    from timm.data import resolve_data_config
    from timm.models._hub import load_model_config_from_path, save_for_hf

    network = timm.create_model("test_vit", num_classes=7, img_size=96)
    save_for_hf(network, tmp_path, model_args={"img_size": 96})
    config = read_model_config(tmp_path / "config.json", "here", index)
    theirs, name, arguments = load_model_config_from_path(tmp_path)
    assert config.architecture == name
    assert {**config.arguments, "num_classes": 7} == arguments
    assert config.n_classes == theirs["num_classes"] == 7
    # What timm reads there is the pretrained size, at which this network cannot run.
    data = resolve_data_config({}, pretrained_cfg=theirs) | {"input_size": (3, 96, 96)}
    assert config.preprocessing == Preprocessing.from_config(data)
    assert config.identity.startswith("test_vit {")
    assert '"img_size": [96, 96]' in config.identity
    assert "num_classes" not in config.identity


def test_the_flat_form_and_what_is_not_said(tmp_path: Path, index: TimmIndex) -> None:
    config = read(tmp_path, {"architecture": "test_vit", "input_size": [3, 64, 64]}, index)
    assert config.preprocessing == Preprocessing(
        (3, 64, 64), 0.875, "center", "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    )
    assert (config.n_classes, config.identity) == (None, "test_vit")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "cannot read"),
        ("[1]", "describes no timm model"),
        ({"architectures": ["ViTModel"], "model_type": "vit"}, "describes no timm model"),
        ({"architecture": "test_vitt"}, "no architecture 'test_vitt'"),
        ({"architecture": "test_vit", "pretrained_cfg": 3}, "is damaged"),
        ({"architecture": "test_vit", "mean": "x"}, "is damaged"),
        ({"architecture": "test_vit", "model_args": [1]}, "is damaged"),
        ({"architecture": "test_vit", "hf_hub_filename": "../x.safetensors"}, "could lead out"),
        ({"architecture": "test_vit", "hf_hub_filename": ["x"]}, "could lead out"),
        ('{"architecture": "test_vit", "mean": [1e999]}', "no finite number"),
        ('{"architecture": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_damage(tmp_path: Path, document: Any, says: str, index: TimmIndex) -> None:
    with pytest.raises(InputError, match=says):
        read(tmp_path, document, index)
