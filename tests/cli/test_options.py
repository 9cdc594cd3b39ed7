from pathlib import Path

import pytest

from featrank.cli.options import cache_directory, split_list


def test_commas_and_repetition_are_one_list() -> None:
    assert split_list(["a,b", " c ,", ""]) == ("a", "b", "c")


def test_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_directory(tmp_path) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory(Path("~/c")) == tmp_path / "c"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert "featrank" in cache_directory(None).parts
