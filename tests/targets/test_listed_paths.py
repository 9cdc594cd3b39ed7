from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.targets._listed_paths import ListedPaths, is_address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a/1.png", "images/2.png", "images/a b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path.resolve()


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("a/1.png", "a/1.png"), ("./a/../a/1.png", "a/1.png"), ("a\\1.png", "a/1.png"),
        (" a/1.png ", "a/1.png"), ("/data/local-files/?d=images/a%20b.png", "images/a b.png"),
        ("gone.png", "gone.png"), ("a\\gone.png", "a\\gone.png"),
    ],
)  # fmt: skip
def test_what_a_path_means(folder: Path, text: str, file: str) -> None:
    paths = ListedPaths("a.csv", folder, folder)
    assert paths.find(text, 1) == folder / file
    assert paths.is_there(text) == (folder / file).exists()


def test_paths_start_at_the_table_or_at_the_root(folder: Path) -> None:
    paths = ListedPaths("a.csv", folder, folder / "images")
    assert paths.find("images/2.png", 1) == paths.find("2.png", 2) == folder / "images" / "2.png"
    assert paths.find(str(folder / "images" / "2.png"), 3) == folder / "images" / "2.png"
    with pytest.raises(InputError, match=r"row 4 .* leads out"):
        paths.find("../a/1.png", 4)
    assert not paths.is_there("../a/1.png")


def test_a_suffix_that_paths_lack(folder: Path) -> None:
    paths = ListedPaths("a.csv", folder, folder, ".png")
    assert paths.find("a/1", 1) == paths.find("a/1.png", 2) == folder / "a" / "1.png"
    assert paths.find("a/none", 3) == folder / "a" / "none.png"


def test_what_was_read_otherwise_is_counted(folder: Path) -> None:
    paths = ListedPaths("a.csv", folder, folder)
    paths.find("a\\1.png", 1)
    paths.find("/data/local-files/?d=a/1.png", 2)
    assert list(paths.warnings()) == [
        "1 path of 'a.csv' read with / for \\",
        "1 path of 'a.csv' read without the prefix of a tool",
    ]


@pytest.mark.parametrize("text", ["a\0b", "/etc/passwd", "..", "../x", "."])
def test_what_leads_out(folder: Path, text: str) -> None:
    paths = ListedPaths("a.csv", folder, folder)
    with pytest.raises(InputError, match=r"leads out|zero byte"):
        paths.find(text, 1)
    assert not paths.is_there(text)


def test_addresses() -> None:
    assert all(map(is_address, ("s3://b/k.png", "https://x/y", "gs://z")))
    assert not any(map(is_address, ("a/b.png", "C:\\x.png", "a:b", "//x")))
