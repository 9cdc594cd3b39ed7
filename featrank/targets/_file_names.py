"""File names as text."""

from __future__ import annotations

import os


def printable(text: str) -> str:
    """A file name as text that UTF-8 can hold: bytes that are not UTF-8 become ``\\xff``."""
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair, as JSON may hold
        return text.encode("utf-8", "backslashreplace").decode()
