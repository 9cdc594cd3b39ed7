import copy
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from result_documents import large_document, small_document

from featrank.errors import InputError
from featrank.render import write_outputs
from featrank.results.document import result_document
from featrank.results.read import read_result, result_of
from featrank.results.structs import Document, RowDocument, ScoreDocument, TargetDocument


@pytest.mark.parametrize("document", [small_document(partial=True), large_document(3, 2)])
def test_what_is_read_back_is_what_was_written(document: Document) -> None:
    document["rows"][0]["scores"]["gda"] |= {
        "low": 0.1, "high": 0.2, "null_mean": 0.5, "null_std": 0.25, "null_reason": "x",
        "origin": "mine 1.0", "details": {"a": 1}, "layer_rank": 2,
    }  # fmt: skip
    document["rows"][0] |= {"depth": 0.5, "device": "cpu", "weights": "0" * 64, "note": "alias"}
    assert result_document(result_of(document)) == document


def test_nothing_that_a_document_may_hold_is_lost() -> None:
    document: Any = small_document()
    row, score = document["rows"][0], document["rows"][0]["scores"]["gda"]
    for found, kind in (
        (row, RowDocument),
        (score, ScoreDocument),
        (document["target"], TargetDocument),
    ):
        for key, hint in get_type_hints(kind).items():
            found.setdefault(key, example(hint))
    document["target"]["offered"] = {"n_images": 9, "n_classes": 3}
    row["status"] = "ok"
    assert set(RowDocument.__struct_fields__) == set(row)
    assert result_document(result_of(document)) == document


def example(hint: Any) -> Any:
    """A value of a type, unlike any default."""
    made = {str: "said", int: 7, float: 0.5, dict: {"a": 1}, list: ["b"], Mapping: {"a": ["b"]}}
    kind = next((one for one in get_args(hint) if get_origin(hint) is UnionType), hint)
    return made.get(get_origin(kind) or kind)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, "5", "\x00"])
def test_what_is_no_json_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError):
        read_result(tmp_path / "r.json")


STRANGE: list[Any] = [
    None,
    True,
    -1,
    10**18,
    -1e308,
    "",
    "\ud800",
    [],
    {},
    [1],
    {"a": 1},
    [[["x"]]],
]


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def test_a_field_of_another_kind_is_refused_or_harmless(tmp_path: Path) -> None:
    """Every field of a result, changed to what it should never be: a sentence or a table."""
    rng = random.Random(0)
    whole = large_document(3, 2)
    for place in places(whole):
        document: Any = copy.deepcopy(whole)
        *above, last = place
        holder = document
        for key in above:
            holder = holder[key]
        holder[last] = rng.choice(STRANGE)
        path = tmp_path / "r.json"
        path.write_text(json.dumps(document))
        with suppress(InputError):
            read = result_document(read_result(path))
            for suffix in (".md", ".csv", ".json"):
                write_outputs([tmp_path / f"out{suffix}"], read)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 7}, "schema version 7"),
        ({"rows": None}, "no whole result"),
        ({"rows": [{}]}, "no whole result: Object missing required field `status`"),
        ({"target": []}, "no whole result"),
        ({"config": {}}, "missing required field `metrics`"),
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


@pytest.mark.parametrize("change", ["digit", "name", "none", "layout"])
def test_a_result_that_was_changed_since_is_read_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: str
) -> None:
    path = tmp_path / "r.json"
    write_outputs([path], small_document())
    document = json.loads(path.read_text())
    if change == "digit":
        document["rows"][0]["scores"]["gda"]["value"] += 1
    elif change == "name":
        document["rows"][0]["model"] = "timm:other"
    path.write_text(json.dumps(document, indent=7 if change == "layout" else None))
    read = result_document(read_result(path))
    assert read["rows"][0]["model"] == document["rows"][0]["model"]
    assert ("was changed after featrank wrote it" in caplog.text) == (change in ("digit", "name"))
