from pathlib import Path

import pytest

from featrank.config.parsing import cache_directory, either, model_names, split_list
from featrank.errors import InputError


def test_commas_and_repetition_are_one_list() -> None:
    assert split_list(["a,b", " c ,", ""]) == ("a", "b", "c")


def test_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_directory(tmp_path) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory(Path("~/c")) == tmp_path / "c"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert "featrank" in cache_directory(None).parts


def test_a_list_stands_in_for_its_names(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# ours\nresnet50, vit_b16  # both\n\n resnet18@a#b.pth\n")
    names = model_names(["first", f"@{tmp_path / 'list'}", "resnet50@file.pth"])
    assert names == ("first", "resnet50, vit_b16", "resnet18@a#b.pth", "resnet50@file.pth")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for missing in ("none", "bytes"):
        with pytest.raises(InputError, match="--models @"):
            model_names([f"@{tmp_path / missing}"])


@pytest.mark.parametrize(
    ("words", "sentence"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_words_are_listed_as_in_a_sentence(words: list[str], sentence: str) -> None:
    assert either(words) == sentence
