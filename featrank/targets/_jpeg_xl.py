"""JPEG XL: its size before it is decoded, and its picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from featrank.targets._size import refuse_oversized
from featrank.targets._target import UnreadableImage

if TYPE_CHECKING:
    from PIL import Image

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_WIDTHS = (9, 13, 18, 30)
# A box's head, the index of a partial codestream, and the size itself.
_MAX_BOXES = 1000


def open_jpeg_xl(data: bytes) -> Image.Image:
    """Open one; the plug-in decodes it at once, so that its size is looked at before.

    Raises:
        UnreadableImage: It has no size, or too large a one.
    """
    refuse_oversized(*stated_size(data))
    import pillow_jxl  # noqa: F401  it registers itself
    from PIL import Image

    image = Image.open(io.BytesIO(data), formats=("JXL",))
    if not getattr(image, "jpeg", False):
        # The decoder has turned it as the codestream says, which is what counts.
        image.info.pop("exif", None)
    return image


def stated_size(data: bytes) -> tuple[int, int]:
    """Width and height as the codestream states them.

    Raises:
        UnreadableImage: There is no codestream.
    """
    bits = _Bits(_codestream(data)[2:14])
    small = bits.take(1)

    def side() -> int:
        return (bits.take(5) + 1) * 8 if small else bits.take(_WIDTHS[bits.take(2)]) + 1

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    over, under = _RATIOS[ratio]
    return height * over // under, height


def _codestream(data: bytes) -> bytes:
    if data[:2] == b"\xff\x0a":
        return data[:16]
    at = 0
    for _ in range(_MAX_BOXES):
        length, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        start = at + head + (4 if kind == b"jxlp" else 0)
        if kind in (b"jxlc", b"jxlp") and data[start : start + 2] == b"\xff\x0a":
            return data[start : start + 16]
        if length < head:
            break
        at += length
    raise UnreadableImage("JPEG XL without a picture")


class _Bits:
    """Takes bits off bytes, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        """The next so many."""
        taken = self._number & ((1 << count) - 1)
        self._number >>= count
        return taken
