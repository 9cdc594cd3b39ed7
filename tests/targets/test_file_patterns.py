from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.targets._file_patterns import expand_files


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for name in ("a-008", "a-009", "a-010", "b-008", "{x}"):
        (tmp_path / f"{name}.tar").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("a-{008..010}.tar", ["a-008", "a-009", "a-010"]),
        ("{b,a}-008.tar", ["b-008", "a-008"]),
        ("a-*.tar", ["a-008", "a-009", "a-010"]),
        ("{a,b}-00{8..8}.tar", ["a-008", "b-008"]),
        ("{a,b,a}-0?8.tar", ["a-008", "b-008"]),
        ("{x}.tar", ["{x}"]),
    ],
)
def test_expansion(shards: Path, pattern: str, names: list[str]) -> None:
    assert [file.stem for file in expand_files(str(shards / pattern))] == names


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a-{008..011}.tar", "no such file: .*a-011"),
        ("c-*.tar", "no such file"),
        ("{0..999999999}.tar", "more than 100,000"),
        ("{0..999}{0..999}.tar", "more than 100,000"),
    ],
)
def test_what_cannot_be(shards: Path, pattern: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        expand_files(str(shards / pattern))
