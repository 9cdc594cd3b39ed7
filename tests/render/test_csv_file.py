import csv
import io

import pytest
from result_documents import HOSTILE, small_document

from featrank.render import csv_file
from featrank.render.text.visible import shown


def test_names_and_numbers_come_back_as_they_are() -> None:
    document = small_document()
    rows = list(csv.DictReader(io.StringIO(csv_file.render(document).decode(), newline="")))
    named = [shown(name) for name in (*HOSTILE, "resnet50")]
    assert [row["requested"].removeprefix("'") for row in rows] == named
    assert [float(row["low"]) for row in rows[:4]] == [i / 3 for i in (1, 2, 3, 4)]
    assert rows[4]["low"] == rows[4]["rank"] == ""
    assert rows[4]["reason"] == "the hub did not answer <b>"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1", "'+1"),
        ("  -1", "'  -1"),
        ("＝1", "'＝1"),
        ("\t=1", r"\t=1"),
        ("a\n::error::b", r"a\n::error::b"),
        ("::error::b", r"\x3a:error::b"),
        ("resnet50", "resnet50"),
        (None, None),
    ],
)
def test_text_is_no_formula_and_no_order(text: str | None, safe: str | None) -> None:
    assert csv_file.cell(text) == safe
