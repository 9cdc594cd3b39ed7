from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from featrank.records import Preprocessing, Weights
from featrank.zoos import Shelf
from featrank.zoos._trained_with import TrainedWith, read_trained_with
from featrank.zoos.checkpoint import ZOO

USUAL = Preprocessing((3, 160, 160), 0.95, "center", "bicubic", (0.5,) * 3, (0.25,) * 3)
SAID = {
    "model": "test_resnet", "img_size": 96, "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5],
    "crop_pct": 1.0, "interpolation": "bilinear", "lr": 0.1, "crop_mode": None,
}  # fmt: skip
SETTINGS = {
    "input_size": (3, 96, 96), "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.5, 0.5), "crop_pct": 1.0,
    "interpolation": "bilinear",
}  # fmt: skip


def test_arguments_in_the_file_or_beside_it(tmp_path: Path) -> None:
    import yaml

    path = tmp_path / "last.pth"
    expected = TrainedWith("test_resnet", SETTINGS)
    assert read_trained_with({"args": Namespace(**SAID)}, path) == expected
    assert read_trained_with({"args": SAID}, path) == expected
    assert read_trained_with({"state_dict": {}}, path) == TrainedWith()
    (tmp_path / "args.yaml").write_text(yaml.safe_dump(SAID))
    assert read_trained_with({"state_dict": {}}, path) == expected
    assert read_trained_with({"arch": "test_vit"}, path).architecture == "test_vit"


@pytest.mark.parametrize(
    "said",
    [
        {"img_size": "96"}, {"img_size": True}, {"img_size": 10**9}, {"input_size": [3, 96]},
        {"input_size": [4, 96, 96]}, {"mean": [1, 2]}, {"mean": ["a", "b", "c"]},
        {"std": [0, 1, 1]}, {"std": [float("nan")] * 3}, {"crop_pct": 7}, {"crop_pct": True},
        {"interpolation": "random"}, {"interpolation": 3}, {"crop_mode": "../x"}, {"model": 3},
    ],
)  # fmt: skip
def test_what_it_cannot_have_been_is_not_taken(said: dict[str, Any]) -> None:
    assert read_trained_with({"args": said}, Path("none.pth")) == TrainedWith()


@pytest.mark.parametrize("text", ["!!python/object/apply:os.mkdir [ran]", "- 1", "a: [", "\0"])
def test_an_args_yaml_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "args.yaml").write_text(text)
    assert read_trained_with({}, tmp_path / "last.pth") == TrainedWith()
    assert not Path("ran").exists()


def test_a_pipe_in_place_of_args_yaml_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "args.yaml")
    assert read_trained_with({}, tmp_path / "last.pth") == TrainedWith()
    assert read_trained_with({"arch": "x" * 101}, tmp_path / "last.pth") == TrainedWith()


def test_differences_are_said() -> None:
    said = TrainedWith("test_resnet", SETTINGS)
    assert list(said.differences(said.applied_to(USUAL), "test_resnet.r160_in1k")) == []
    architecture, settings = said.differences(USUAL, "test_vit")
    assert architecture == "the file says that it is a test_resnet, and it is run as test_vit"
    assert "input_size 3, 96, 96 (run with 3, 160, 160)" in settings
    assert "mean 0.1, 0.2, 0.3" in settings
    assert settings.endswith("see --as-trained")


def test_as_trained_follows_what_the_file_says(tmp_path: Path, indexed: Path) -> None:
    import timm
    import torch

    path = tmp_path / "last.pth"
    state = timm.create_model("test_resnet", pretrained=False).state_dict()
    torch.save({"state_dict": state, "args": Namespace(**SAID)}, path)
    (model,) = ZOO.resolve(f"test_resnet@{path}", Shelf(indexed))
    usual = ZOO.preprocessing(model, Shelf(indexed))
    assert usual.input_size == (3, 160, 160)
    followed = ZOO.preprocessing(model, Shelf(indexed, as_trained=True))
    assert (followed.input_size, followed.mean) == ((3, 96, 96), (0.1, 0.2, 0.3))
    loaded = ZOO.load(model, Weights("", path))
    assert len(list(loaded.trained_with.differences(usual, model.architecture))) == 1
    assert list(loaded.trained_with.differences(followed, model.architecture)) == []
