"""Kept JSON is what was written, or a claim that does not hold."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from featrank.storage.contained import ClaimError
from featrank.storage.kept_json import (
    parse_json,
    read_kept,
    read_perhaps_sealed,
    typed,
    write_kept,
)

DOCUMENT = {"text": "ä\udc80", "number": 1.1e-300, "list": [1, None, True], "count": 2**63}


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_kept(path, DOCUMENT)
    assert read_kept(tmp_path, path) == DOCUMENT


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    write_kept(path, {"score": 0.125, "name": "gda"})
    whole = path.read_bytes()
    for at in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[at] ^= 1 << bit
            path.write_bytes(data)
            try:
                document = read_kept(tmp_path, path)
            except ClaimError:
                continue
            assert document == {"score": 0.125, "name": "gda"}


def test_without_a_seal_it_is_old_or_foreign(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"a": 1}')
    assert read_perhaps_sealed(tmp_path, path) == ({"a": 1}, False)
    with pytest.raises(ClaimError, match="has no checksum"):
        read_kept(tmp_path, path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100000,
        '{"a":' * 100000,
        "[" * 100 + "]" * 100,
        "9" * 5000,
        "1e999",
        "NaN",
        "-Infinity",
        '{"a": 1',
        "",
        "\x00",
        "5",
        "null",
        "[1]",
        '"x"',
    ],
)
def test_what_is_no_document_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "claim.json"
    path.write_text(text)
    with pytest.raises(ClaimError):
        read_kept(tmp_path, path)


def test_a_long_one_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    path.write_text(json.dumps("x" * 100))
    with pytest.raises(ClaimError, match="longer"):
        read_kept(tmp_path, path, max_bytes=50)
    with pytest.raises(ClaimError, match="longer"):
        parse_json(b" " * 51, max_bytes=50)


def test_a_number_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_kept(tmp_path / "kept.json", {"score": float("nan")})


@dataclass(frozen=True)
class _Record:
    name: str
    count: int = 0


def test_types_are_checked() -> None:
    assert typed({"name": "a", "count": 3}, _Record) == _Record("a", 3)
    for document in ({"name": 5}, {"count": 3}, {"name": "a", "count": 1.5}, 7, {"name": None}):
        with pytest.raises(ClaimError):
            typed(document, _Record)
