"""Write the JSON Schema of a result, generated from the types of featrank.results.schema.

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

from pydantic import TypeAdapter

import featrank.results.schema
from featrank.results.schema import ResultDocument

PATH = Path(featrank.__file__).parent / "render" / "data" / "result.schema.json"
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n     +.+)*)$", re.MULTILINE)


def make_schema() -> dict[str, Any]:
    """The schema; descriptions are those of the docstrings."""
    schema = TypeAdapter(ResultDocument).json_schema()
    for name, described in {"ResultDocument": schema, **schema["$defs"]}.items():
        text = inspect.getdoc(getattr(featrank.results.schema, name)) or ""
        described["description"] = text.partition("\n")[0]
        said = dict(_ATTRIBUTE.findall(text))
        for key, entry in described["properties"].items():
            entry.pop("title", None)
            if "$ref" not in entry:
                entry["description"] = " ".join(said[key].split())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


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
