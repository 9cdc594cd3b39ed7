"""A result as one JSON document."""

from __future__ import annotations

import json

from featrank.render.format import Format
from featrank.schema import ResultDocument


def render(document: ResultDocument) -> bytes:
    """The document itself.

    Raises:
        ValueError: It holds NaN or infinity, which never reach a score.
    """
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    # Unpaired surrogates, from file names that are not UTF-8, must not lose the whole result.
    return (text + "\n").encode("utf-8", "backslashreplace")


FORMAT = Format("json", render)
