import hashlib

from featrank.records import ModelRef, Preprocessing, TargetInfo
from featrank.storage.digest import digest_json


def test_digest_does_not_depend_on_key_order() -> None:
    assert digest_json({"a": 1, "b": [2]}) == digest_json({"b": [2], "a": 1})
    assert digest_json({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


def test_model_id_names_zoo_and_tag() -> None:
    assert ModelRef("r50", "timm", "resnet50.a1_in1k", "resnet50").id == "timm:resnet50.a1_in1k"


def test_preprocessing_survives_json() -> None:
    config = {
        "input_size": [3, 240, 240], "crop_pct": 0.9, "crop_mode": "center",
        "interpolation": "bicubic", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
    }  # fmt: skip
    assert Preprocessing.from_config(config).to_config() == config


def test_target_info_counts() -> None:
    info = TargetInfo("pets", "f", None, {"cat": 3, "dog": 4})
    assert (info.n_images, info.n_classes) == (7, 2)
