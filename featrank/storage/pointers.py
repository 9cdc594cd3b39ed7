"""Files that stand for others which a program keeps elsewhere."""

from __future__ import annotations

_POINTERS = (
    (b"version https://git-lfs", "a pointer of git-lfs, not the file: git lfs pull fetches it"),
    (b"/annex/objects/", "a pointer of git-annex, not the file: git annex get fetches it"),
)
POINTER_BYTES = 32


def pointer_reason(start: bytes) -> str:
    """What to do where a file begins like a pointer; empty where it does not."""
    return next((reason for mark, reason in _POINTERS if start.startswith(mark)), "")
