"""A result as one JSON document."""

from __future__ import annotations

from featrank.render._format import Format
from featrank.render.text.visible import as_json
from featrank.results.structs import Document
from featrank.storage.kept_json import sealed


def render(document: Document) -> bytes:
    """The document itself, and the checksum that tells whether it was changed since.

    Raises:
        ValueError: It holds NaN or infinity, which never reach a score.
    """
    return f"{as_json(sealed(document))}\n".encode("ascii")


FORMAT = Format("json", render)
