"""Nothing outside the folder is read, however the path comes about."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from featrank.targets._fence import LeadsOut, reading_only_below


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("root", "victim"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / folder / "a.png")
    (tmp_path / "root" / "link.png").symlink_to(tmp_path / "victim" / "a.png")
    return (tmp_path / "root").resolve()


def test_what_lies_inside_is_read(root: Path) -> None:
    with reading_only_below(root):
        assert Image.open(root / "a.png").convert("RGB").size == (4, 4)
        import wave  # noqa: F401 (perhaps for the first time)


@pytest.mark.parametrize("name", ["../victim/a.png", "link.png"])
def test_what_lies_outside_is_not(root: Path, name: str) -> None:
    with pytest.raises(LeadsOut), reading_only_below(root):
        Image.open(root / name)
    assert Image.open(root / name).size == (4, 4)
