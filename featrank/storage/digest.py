"""The hash of a JSON document."""

from __future__ import annotations

import hashlib
import json


def digest_json(document: object) -> str:
    """SHA-256 of a JSON document in its canonical spelling (sorted keys, no spaces)."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
