import csv
import io

from result_documents import HOSTILE, small_document

from featrank.render import csv_file


def test_names_and_numbers_come_back_as_they_are() -> None:
    document = small_document()
    rows = list(csv.DictReader(io.StringIO(csv_file.render(document).decode(), newline="")))
    assert [row["requested"] for row in rows] == [*HOSTILE, "resnet50"]
    assert [float(row["low"]) for row in rows[:4]] == [i / 3 for i in (1, 2, 3, 4)]
    assert rows[4]["low"] == rows[4]["rank"] == ""
    assert rows[4]["reason"] == "the hub did not answer <b>"
