"""What a file in a class folder is: an image, one of a kind that is not read, or no image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from featrank.targets._decode import IMAGE_SUFFIXES
from featrank.targets._plugin_formats import HEAD_BYTES, plugin_kind, unread_reason

# Images that Pillow alone cannot decode.
_UNREAD = {
    ".heic": "HEIC", ".heif": "HEIF", ".jxl": "JPEG XL", ".dcm": "DICOM", ".dicom": "DICOM",
    ".svg": "SVG", ".svgz": "SVG", ".nii": "NIfTI",
    **dict.fromkeys(
        (".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".raw", ".rw2"),
        "camera raw",
    ),
}  # fmt: skip
# Endings of what is no image, or a copy that a program keeps of one.
_OTHER = frozenset(
    {
        ".bak", ".cfg", ".crdownload", ".csv", ".db", ".doc", ".docx", ".gz", ".h5", ".hdf5",
        ".htm", ".html", ".ini", ".ipynb", ".json", ".jsonl", ".log", ".mat", ".md", ".mp4",
        ".npy", ".npz", ".orig", ".parquet", ".part", ".pdf", ".pkl", ".py", ".sh", ".swp", ".tar",
        ".tfrecord", ".tmp", ".toml", ".tsv", ".txt", ".xls", ".xlsx", ".xml", ".yaml", ".yml",
        ".zip",
    }
)  # fmt: skip
_STARTS = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*",
    b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51", b"qoif",
)  # fmt: skip
SNIFFED_BYTES = HEAD_BYTES

_MASK = re.compile(r"(.+?)[_-](mask|masks|segmentation|seg|annotation)([_-]?\d+)?", re.IGNORECASE)


def by_name(name: str) -> str | None:
    """What a name says: ``image``, ``other``, the reason why it is not read; None for nothing."""
    suffix = Path(name).suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return "image"
    if kind := _UNREAD.get(".nii" if name.lower().endswith(".nii.gz") else suffix):
        return unread_reason(kind) or "image"
    return "other" if suffix in _OTHER or name.endswith("~") else None


def by_content(start: bytes) -> str:
    """As :func:`by_name`, from a file's first bytes."""
    if start.startswith(_STARTS) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP"):
        return "image"
    if start[:2] == b"BM" and start[6:10] == bytes(4):
        return "image"
    if kind := plugin_kind(start):
        return unread_reason(kind) or "image"
    if start[4:8] == b"ftyp" and start[8:12] in (b"avif", b"avis", b"mif1", b"msf1"):
        return "image"
    return "other"


def masks(files: Iterable[Path]) -> set[Path]:
    """Those that are masks of others: ``X_mask.png`` or ``X_segmentation.png`` beside an ``X``."""
    files = list(files)
    stems = {(file.parent, file.stem) for file in files}
    return {
        file
        for file in files
        if (match := _MASK.fullmatch(file.stem)) and (file.parent, match[1]) in stems
    }
