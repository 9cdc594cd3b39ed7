from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.targets._members import Member, inner_name, looks_like_image, refuse_bomb, refuse_many
from featrank.targets._spans import Span


@pytest.mark.parametrize(
    ("name", "inner"), [("./a//b.png", "a/b.png"), ("a/./b", "a/b"), ("a..b/c", "a..b/c")]
)
def test_names_lose_their_detours(name: str, inner: str) -> None:
    assert inner_name(name, "a.tar") == inner


@pytest.mark.parametrize("name", ["/a", "//a", "..", "a/../../b", "a/.."])
def test_names_that_lead_out(name: str) -> None:
    with pytest.raises(InputError, match=r"of 'a\.tar' leads out of the archive"):
        inner_name(name, "a.tar")


def test_images_by_name_or_start() -> None:
    assert looks_like_image("a.png", b"")
    assert looks_like_image("a", b"\x89PNG\r\n\x1a\n")
    assert not looks_like_image("a", b"text")
    assert not Member("a.png", is_folder=True).is_image


def test_hashes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123")
    assert Member("a", content=Span(tmp_path / "f", 1, 2)).hash() == sha256(b"12").hexdigest()
    assert Member("a", content=Span(tmp_path / "gone", 1, 2), digest="x").hash() == "x"
    with pytest.raises(OSError, match="No such file"):
        Member("a", content=Span(tmp_path / "gone", 1, 2)).hash()


def test_bombs() -> None:
    refuse_bomb("a", 10, 1 << 30)
    refuse_bomb("a", 1 << 30, 100 << 30)
    with pytest.raises(InputError, match="no archive of images does"):
        refuse_bomb("a", 10, 2 << 30)
    refuse_many("a", 5_000_000)
    with pytest.raises(InputError, match="more than 5,000,000 members"):
        refuse_many("a", 5_000_001)
