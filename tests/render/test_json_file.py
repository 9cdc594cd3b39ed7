import hashlib
import json

import pytest
from result_documents import small_document

from featrank.render import json_file


def test_nan_never_reaches_a_file() -> None:
    document = small_document()
    document["rows"][0]["scores"]["gda"]["value"] = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        json_file.render(document)


def test_a_name_that_is_not_utf8_does_not_lose_the_result() -> None:
    document = small_document()
    document["target"]["name"] = "caf\udce9"
    assert {**json.loads(json_file.render(document)), "checksum": None} == {
        **document, "checksum": None,
    }  # fmt: skip


def test_the_checksum_is_that_of_all_else_and_told_apart_by_a_digit() -> None:
    read = json.loads(json_file.render(small_document()))
    said = read.pop("checksum")
    text = json.dumps(read, sort_keys=True, separators=(",", ":"))
    assert said == hashlib.sha256(text.encode()).hexdigest()
