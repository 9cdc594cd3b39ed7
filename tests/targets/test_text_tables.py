from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.targets._columns import is_known
from featrank.targets._text_tables import TextTable, guess_columns, read_text_table, texts


def read(tmp_path: Path, content: bytes, name: str = "a.csv", there: str = "") -> TextTable:
    file = tmp_path / name
    file.write_bytes(content)
    return read_text_table(file, name, is_known, lambda text: bool(text) and text == there)


def test_short_and_long_lines(tmp_path: Path) -> None:
    table = read(tmp_path, b"path,label\na.png\nb.png,x,more\n\n")
    assert table.rows == (("a.png", ""), ("b.png", "x"))
    assert list(texts(table, "label")) == ["", "x"]
    assert list(texts(table, None)) == ["", ""]


def test_a_quoted_line_end_is_no_line(tmp_path: Path) -> None:
    table = read(tmp_path, b'path,label\n"a\nb.png",x\n')
    assert table.rows == (("a\nb.png", "x"),)


def test_separators_in_quotes_do_not_count(tmp_path: Path) -> None:
    table = read(tmp_path, b'"path";"label, or class"\n"a,b.png";"x, y"\n')
    assert table.rows == (("a,b.png", "x, y"),)
    assert table.warnings == ("the values of 'a.csv' are separated by ';'",)


def test_a_code_page_is_told_by_files_that_are_there(tmp_path: Path) -> None:
    text = "path,label\n图/1.png,猫\n"
    told = read(tmp_path, text.encode("gb18030"), there="图/1.png")
    assert told.rows == (("图/1.png", "猫"),)
    assert told.warnings == ("'a.csv' is no UTF-8 and was read as GB18030",)
    untold = read(tmp_path, "path,label\ncafé,thé\n".encode("cp1252"))
    assert "save it as UTF-8" in untold.warnings[0]


@pytest.mark.parametrize("content", [b'{"path": 1', b"[1]", b"3", b'{"a": ' + b"[" * 200])
def test_lines_that_are_no_objects(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match="line 1") as caught:
        read(tmp_path, content, "a.jsonl")
    assert "one JSON object a line" in caught.value.hint


def test_values_of_objects(tmp_path: Path) -> None:
    lines = b'{"a": 1.0, "b": true, "c": ["x"], "d": null}\n{"e": 2.5}\n'
    table = read(tmp_path, lines, "a.jsonl")
    assert table.names == ("a", "b", "c", "d", "e")
    assert table.rows == (("1", "True", "x", "", ""), ("", "", "", "", "2.5"))


def test_which_column_is_what() -> None:
    rows = (("train", "x", "a.png"), ("val", "y", "b.png"))
    table = TextTable(("1", "2", "3"), rows, has_heading=False)
    guessed = guess_columns(table, "a.csv", lambda _: False)
    assert guessed == {"path": "3", "label": "2", "split": "1"}
    more = TextTable(("1", "2", "3"), (("x", "y", "a.png"),), has_heading=False)
    with pytest.raises(InputError, match="no heading"):
        guess_columns(more, "a.csv", lambda _: False)


def test_an_empty_table(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == TextTable((), ())
