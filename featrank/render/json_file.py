"""A result as one JSON document."""

from __future__ import annotations

from featrank.render.format import Format
from featrank.render.visible import as_json
from featrank.schema import ResultDocument


def render(document: ResultDocument) -> bytes:
    """The document itself.

    Raises:
        ValueError: It holds NaN or infinity, which never reach a score.
    """
    return f"{as_json(document)}\n".encode("ascii")


FORMAT = Format("json", render)
