from pathlib import Path

import pytest

from featrank.cli._options import cache_directory, model_names, parse_age, parse_size, split_list
from featrank.errors import InputError


def test_commas_and_repetition_are_one_list() -> None:
    assert split_list(["a,b", " c ,", ""]) == ("a", "b", "c")


def test_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_directory(tmp_path) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory(Path("~/c")) == tmp_path / "c"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert "featrank" in cache_directory(None).parts


@pytest.mark.parametrize(
    ("text", "size"), [("20GB", 20 * 10**9), ("1.5 MiB", 1572864), ("100", 100), ("2k", None)]
)
def test_sizes(text: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(InputError, match="--max-size '2k' is not a size"):
            parse_size("--max-size", text)
    else:
        assert parse_size("--max-size", text) == size


@pytest.mark.parametrize(("text", "age"), [("30d", 30 * 86400), ("12h", 43200), ("0.5w", 302400)])
def test_ages(text: str, age: float) -> None:
    assert parse_age("--older-than", text) == age


def test_no_age() -> None:
    with pytest.raises(InputError, match="--older-than '30' is not an age"):
        parse_age("--older-than", "30")


def test_a_list_stands_in_for_its_names(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# ours\nresnet50, vit_b16  # both\n\n resnet18@a#b.pth\n")
    names = model_names(["first", f"@{tmp_path / 'list'}", "resnet50@file.pth"])
    assert names == ("first", "resnet50, vit_b16", "resnet18@a#b.pth", "resnet50@file.pth")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for missing in ("none", "bytes"):
        with pytest.raises(InputError, match="--models @"):
            model_names([f"@{tmp_path / missing}"])
