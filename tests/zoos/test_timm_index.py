from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.records import Preprocessing
from featrank.zoos._timm_index import TimmIndex


def test_index_agrees_with_timm(index: TimmIndex) -> None:
    import timm
    from timm.data import resolve_data_config
    from timm.models import get_pretrained_cfg

    assert index.architectures() == timm.list_models()
    assert sorted(index.pretrained_names()) == sorted(timm.list_pretrained())
    for name in index.pretrained_names():
        config = get_pretrained_cfg(name)
        data = resolve_data_config({}, pretrained_cfg=config.to_dict())
        entry = index.entry(name)
        assert entry.name == name
        assert entry.has_weights
        assert entry.preprocessing == Preprocessing.from_config(data)
        assert entry.hub_id == config.hf_hub_id


def test_default_tag_is_timms(index: TimmIndex) -> None:
    from timm.models import get_pretrained_cfg

    for architecture in index.architectures():
        assert index.entry(architecture).tag == (get_pretrained_cfg(architecture).tag or "")
        tags = index.tags(architecture)
        assert not tags or tags[0] == index.entry(architecture).tag


def test_a_known_entry(index: TimmIndex) -> None:
    entry = index.entry("resnet50")
    assert entry.name == "resnet50.a1_in1k"
    assert entry.hub_id == "timm/resnet50.a1_in1k"
    assert entry.num_classes == 1000
    assert entry.preprocessing.input_size == (3, 224, 224)
    assert "tv_in1k" in index.tags("resnet50")


def test_names_that_timm_has_renamed(index: TimmIndex) -> None:
    assert index.deprecated()["convnext_tiny_in22ft1k"] == "convnext_tiny.fb_in22k_ft_in1k"


def test_unknown_names(index: TimmIndex) -> None:
    assert index.find("resnet50.nothing") is None
    assert index.tags("nothing") == []
    with pytest.raises(InputError, match="no model 'resnet5'") as caught:
        index.entry("resnet5")
    assert "resnet50" in caught.value.hint


def test_a_stored_index_needs_neither_timm_nor_torch(indexed: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from featrank.zoos import resolve_models
from featrank.zoos import Shelf
shelf = Shelf.at(Path({str(indexed)!r}))
for model in resolve_models(["vit_b16", "random:resnet18", "tf_efficientnet_lite*"], shelf):
    from featrank.zoos import zoo_of
    zoo_of(model).preprocessing(model, shelf)
    zoo_of(model).find_weights(model, shelf)
assert not {{"timm", "torch"}} & sys.modules.keys(), sorted(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=600)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 0}'])
def test_a_damaged_file_is_rebuilt(indexed: Path, tmp_path: Path, damage: str) -> None:
    (stored,) = indexed.glob("timm-*.json")
    copy = tmp_path / stored.name
    copy.write_text(damage)
    assert "resnet50" in TimmIndex(tmp_path).architectures()
    assert json.loads(copy.read_text()) == json.loads(stored.read_text())


def test_another_weight_address_in_a_stored_index_is_noticed(indexed: Path, tmp_path: Path) -> None:
    (stored,) = indexed.glob("timm-*.json")
    document = json.loads(stored.read_text())
    document["content"]["entries"]["resnet50.a1_in1k"]["hub_id"] = "other/resnet50"
    (tmp_path / stored.name).write_text(json.dumps(document))
    assert TimmIndex(tmp_path).entry("resnet50").hub_id == "timm/resnet50.a1_in1k"
    assert (tmp_path / "damaged" / stored.name).exists()


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert TimmIndex(blocked / "below").architectures()


def test_without_a_folder_the_index_is_in_memory() -> None:
    assert TimmIndex(None).architectures()
