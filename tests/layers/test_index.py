import sys
from pathlib import Path

import pytest

from featrank.layers.index import LayerIndex

SIZE = (3, 160, 160)


def test_a_list_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = LayerIndex(tmp_path).get("test_vit", SIZE)
    assert [layer.name for layer in made][-2:] == ["pre_logits", "head"]
    monkeypatch.setitem(sys.modules, "featrank.layers.architectures", None)
    assert LayerIndex(tmp_path).get("test_vit", SIZE) == made
    with pytest.raises(ImportError):
        LayerIndex(tmp_path).get("test_vit", (3, 192, 192))


def test_a_damaged_list_is_made_again(tmp_path: Path) -> None:
    made = LayerIndex(tmp_path).get("test_vit", SIZE)
    (file,) = (tmp_path / "layers").iterdir()
    for damage in ("", "{", '{"layers": [{"name": "x"}]}', "[]"):
        file.write_text(damage)
        assert LayerIndex(tmp_path).get("test_vit", SIZE) == made


def test_without_a_directory_nothing_is_kept() -> None:
    assert LayerIndex(None).get("test_resnet", SIZE)
