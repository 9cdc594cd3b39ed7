from __future__ import annotations

import os

import pytest

from featrank.targets._file_names import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [("ä.png", "ä.png"), (os.fsdecode(b"\xe9.png"), r"\xe9.png"), ("\ud800x", r"\ud800x")],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    printable(text).encode()
