"""How parts are called: by their first row and the start of their own SHA-256."""

from __future__ import annotations

import re
from pathlib import Path

PART_NAME = re.compile(r"part-(\d{9})\.([0-9a-f]{16})\.parquet")


def list_parts(directory: Path) -> list[Path]:
    """What is named like a part, in row order; files, and whatever else has such a name."""
    try:
        return sorted(path for path in directory.iterdir() if PART_NAME.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []
