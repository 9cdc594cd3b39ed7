"""The shipped JSON Schema is that of the types, and documents follow it."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from result_documents import large_document, small_document

import featrank.render

SHIPPED = Path(featrank.render.__file__).parent / "data" / "result.schema.json"
SCRIPT = Path(__file__).parents[2] / "scripts" / "make_schema.py"


def test_the_shipped_schema_is_not_stale() -> None:
    spec = importlib.util.spec_from_file_location("make_schema", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.make_schema() == json.loads(SHIPPED.read_text()), "run scripts/make_schema.py"


def strict_schema() -> Any:
    """The shipped schema, which besides takes no key that it does not name."""
    schema = json.loads(SHIPPED.read_text())
    for described in (schema, *schema["$defs"].values()):
        described["additionalProperties"] = False
    return schema


@pytest.mark.parametrize("document", [small_document(partial=True), large_document(2, 2)])
def test_documents_follow_it(document: Any) -> None:
    Draft202012Validator.check_schema(strict_schema())
    Draft202012Validator(strict_schema()).validate(document)


@pytest.mark.parametrize("key", ["rows", "target", "partial", "candidates", "stamp"])
def test_what_lacks_something_does_not(key: str) -> None:
    document: Any = copy.deepcopy(small_document())
    del document[key]
    assert not Draft202012Validator(strict_schema()).is_valid(document)
