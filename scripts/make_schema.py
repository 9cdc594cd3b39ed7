"""Write the JSON Schema of a result, generated from the types of featrank.results.structs.

python scripts/make_schema.py          # write it
python scripts/make_schema.py --check  # exit 1 where the shipped one is stale
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec

import featrank
from featrank.records import Offered, Skipped
from featrank.results.structs import (
    ResultDocument,
    RowDocument,
    ScoreDocument,
    TargetDocument,
    in_order,
)

PATH = Path(featrank.__file__).parent / "render" / "data" / "result.schema.json"
_SHAPES = (ResultDocument, TargetDocument, RowDocument, ScoreDocument, Offered, Skipped)
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n     +.+)*)$", re.MULTILINE)


def make_schema() -> dict[str, Any]:
    """The schema; descriptions are those of the docstrings."""
    _, schemas = msgspec.json.schema_components(_SHAPES)
    for shape in _SHAPES:
        described = schemas[shape.__name__]
        described["description"] = (inspect.getdoc(shape) or "").partition("\n")[0]
        said = _attributes(shape)
        described["properties"] = {
            key: {**_present(entry), "description": said[key]}
            for key, entry in described["properties"].items()
        }
    row = schemas["RowDocument"]
    row["properties"] = in_order(row["properties"])
    whole = schemas.pop("ResultDocument")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": dict(sorted(schemas.items())),
        **whole,
    }


def _attributes(shape: type) -> dict[str, str]:
    """What the docstrings of a type and of those that it extends say of its fields."""
    said: dict[str, str] = {}
    for kind in shape.__mro__[:-1]:
        for key, text in _ATTRIBUTE.findall(inspect.cleandoc(kind.__doc__ or "")):
            said.setdefault(key, " ".join(text.split()))
    return said


def _present(entry: dict[str, Any]) -> dict[str, Any]:
    """What a key holds where it is there: what does not apply is left out, never null."""
    entry = {key: value for key, value in entry.items() if key != "default"}
    if choices := [one for one in entry.pop("anyOf", ()) if one != {"type": "null"}]:
        (only,) = choices
        entry |= only
    return entry


def main() -> None:
    """Write it, or compare."""
    text = json.dumps(make_schema(), indent=1) + "\n"
    if sys.argv[1:] == ["--check"]:
        sys.exit(PATH.read_text() != text)
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text)
    print(f"wrote {PATH.name}, {len(text)} bytes")


if __name__ == "__main__":
    main()
