import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from featrank.layers import EXTRACTOR_VERSION
from featrank.layers.index import LayerIndex
from featrank.layers.names import LayerInfo
from featrank.storage.digest import digest_json
from featrank.zoos import ZOOS, Shelf, resolve_models

SIZE = (3, 160, 160)


def listed(
    directory: Path | None, name: str, shelf: Shelf, size: tuple[int, int, int] = SIZE
) -> tuple[LayerInfo, ...]:
    (model,) = resolve_models([f"random:{name}"], shelf)
    return LayerIndex(directory).get(model, size, shelf)


def test_a_list_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shelf: Shelf) -> None:
    made = listed(tmp_path, "test_vit", shelf)
    assert [layer.name for layer in made][-2:] == ["pre_logits", "head"]
    monkeypatch.setitem(sys.modules, "featrank.layers.architectures", None)
    assert listed(tmp_path, "test_vit", shelf) == made
    with pytest.raises(ImportError):
        listed(tmp_path, "test_vit", shelf, (3, 192, 192))


def test_a_list_of_an_older_release_is_found(tmp_path: Path, shelf: Shelf) -> None:
    listed(tmp_path, "test_vit", shelf)
    key = {
        "format": 3, "name": "test_vit", "input_size": [3, 160, 160],
        "extractor": EXTRACTOR_VERSION, "timm": version("timm"),
    }  # fmt: skip
    assert (tmp_path / "layers" / f"test_vit.{digest_json(key)[:16]}.json").is_file()


def test_another_version_of_a_plug_in_lists_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shelf: Shelf
) -> None:
    listed(tmp_path, "test_vit", shelf)
    for release in ("their-zoo 1.0", "their-zoo 1.1"):
        monkeypatch.setitem(ZOOS._origins, "random", release)
        listed(tmp_path, "test_vit", shelf)
    assert len(list((tmp_path / "layers").iterdir())) == 3


def test_a_damaged_list_is_made_again(tmp_path: Path, shelf: Shelf) -> None:
    made = listed(tmp_path, "test_vit", shelf)
    (file,) = (tmp_path / "layers").iterdir()
    for damage in ("", "{", '{"layers": [{"name": "x"}]}', "[]"):
        file.write_text(damage)
        assert listed(tmp_path, "test_vit", shelf) == made


def test_without_a_directory_nothing_is_kept(shelf: Shelf) -> None:
    assert listed(None, "test_resnet", shelf)
