import json
from pathlib import Path

import pytest
from result_documents import large_document, small_document

from featrank.errors import InputError
from featrank.render.document import result_document
from featrank.saved import read_result, result_of
from featrank.schema import ResultDocument


@pytest.mark.parametrize("document", [small_document(partial=True), large_document(3, 2)])
def test_what_is_read_back_is_what_was_written(document: ResultDocument) -> None:
    document["rows"][0]["scores"]["gda"] |= {
        "low": 0.1, "high": 0.2, "null_mean": 0.5, "null_std": 0.25, "null_reason": "x",
        "origin": "mine 1.0", "details": {"a": 1}, "layer_rank": 2,
    }  # fmt: skip
    document["rows"][0] |= {"depth": 0.5, "device": "cpu", "weights": "0" * 64, "note": "alias"}
    assert result_document(result_of(document)) == document


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 7}, "schema version 7"),
        ({"rows": None}, "no whole result"),
        ({"rows": [{}]}, "no whole result: no 'model'"),
        ({"target": []}, "no whole result"),
        ({"config": {}}, "no 'metrics'"),
    ],
)
def test_what_is_no_result(tmp_path: Path, change: dict[str, object], said: str) -> None:
    (tmp_path / "r.json").write_text(json.dumps({**small_document(), **change}))
    with pytest.raises(InputError, match=said) as caught:
        read_result(tmp_path / "r.json")
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00\xff", '{"rows": 1}', "3"])
def test_what_is_no_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError):
        read_result(tmp_path / "r.json")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_score_that_is_no_number(tmp_path: Path, number: str) -> None:
    text = json.dumps(small_document()).replace(f": {0.1 + 0.2}", f": {number}")
    assert number in text
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError, match="no finite number"):
        read_result(tmp_path / "r.json")
