"""How large an image may be."""

from __future__ import annotations

from featrank.targets._target import UnreadableImage

# The size beyond which Pillow itself suspects a decompression bomb: a quarter of a gigabyte as RGB.
MAX_PIXELS = 89_478_485


def refuse_oversized(width: int, height: int) -> None:
    """Before anything of that size is allocated.

    Raises:
        UnreadableImage: It is too large.
    """
    if width * height > MAX_PIXELS:
        raise UnreadableImage(f"oversized: {width * height:,} pixels, more than {MAX_PIXELS:,}")
