"""A result as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from featrank.atomic import write_text

SUFFIX = ".json"


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Write the document atomically.

    Raises:
        OSError: The path cannot be written.
    """
    # NaN and infinity never reach a score; JSON readers elsewhere could not take them.
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
