"""TIFF files: what their tags say, and where Pillow reads their samples wrongly."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, BinaryIO

from featrank.targets._value_range import Range

if TYPE_CHECKING:
    pass

BITS, PHOTOMETRIC, PER_PIXEL, PLANAR, EXTRA, FORMAT = 258, 262, 277, 284, 338, 339
_ENDS = ((340, 341), (280, 281))  # SMinSampleValue and SMaxSampleValue, then those for short ones
_FORMATS = {1: "unsigned integer", 2: "signed integer", 3: "float", 5: "complex", 6: "complex"}
_COLOURS = {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3}


# In an image's info: Pillow alone would have got the samples wrong.
MENDED = "featrank:mended"
# libtiff hands samples over in this machine's order, whatever that of the file is.
_NATIVE = {"F;32BF": "F;32NF", "I;16BS": "I;16NS", "I;32BS": "I;32NS", "I;32B": "I;32N"}


def know_more() -> None:
    """Tell Pillow of big-endian samples that it knows only in the other order."""
    from PIL.TiffImagePlugin import MM, OPEN_INFO

    OPEN_INFO.setdefault((MM, 0, (1,), 1, (16,), ()), ("I;16B", "I;16B"))
    OPEN_INFO.setdefault((MM, 1, (1,), 1, (32,), ()), ("I", "I;32B"))


def mend_tiff(image: Any) -> bool:
    """Have samples of more than 8 bits unpacked as they are stored; whether they can be.

    Args:
        image: A TIFF file that is opened and not yet loaded.
    """
    if not image.tile:
        return True
    tags = image.tag_v2
    if tags.get(PHOTOMETRIC) in (0, 1) and int(tags.get(PER_PIXEL, 1)) > 2:
        return False  # which of the bands is the picture, nothing says
    tile = image.tile[0]
    raw = str(tile.args[0] if isinstance(tile.args, tuple) else tile.args)
    if tile.codec_name == "libtiff":
        if sys.byteorder == "little" and raw in _NATIVE:
            image.tile = [tile._replace(args=(_NATIVE[raw], *tile.args[1:]))]
            image.info[MENDED] = True
    elif tags.get(PLANAR) == 2 and max(numbers(tags.get(BITS)), default=8) > 8:
        # Pillow takes planes for planes of 8 bits; libtiff reads them, compressed or not.
        kind = {"RGB": "RGB;16N", "RGBA": "RGBA;16N"}.get(image.mode)
        if kind is None:
            return int(tags.get(PER_PIXEL, 1)) == 1
        width, height = image._tile_size
        args = (kind, False, tags.offset)
        whole = (0, 0, width, height)
        image.tile = [tile._replace(codec_name="libtiff", extents=whole, offset=0, args=args)]
        image.use_load_libtiff = True
        image.info[MENDED] = True
    return True


def declared_ends(tags: Mapping[int, Any]) -> Range | None:
    """What a file says of its samples' range; None where it says nothing of use."""
    for low_tag, high_tag in _ENDS:
        high = numbers(tags.get(high_tag))
        if high:
            low = numbers(tags.get(low_tag)) or [0.0]
            ends = min(low), max(high)
            if all(map(isfinite, ends)) and ends[0] < ends[1]:
                return ends
    return None


def numbers(value: object) -> list[float]:
    """A tag's numbers, one or several; none where it holds something else."""
    items = value if isinstance(value, tuple) else (value,)
    try:
        return [float(item) for item in items if item is not None]
    except (TypeError, ValueError):
        return []


def tiff_kind(stream: BinaryIO) -> str:
    """The bands and the type of a TIFF file's samples, in words; empty where it tells none."""
    from PIL import TiffImagePlugin

    try:
        stream.seek(0)
        header = stream.read(8)
        header += stream.read(8) if header[2:4] in (b"+\0", b"\0+") else b""
        tags = TiffImagePlugin.ImageFileDirectory_v2(header)
        stream.seek(tags.next)
        tags.load(stream)
        bits = [int(item) for item in numbers(tags.get(BITS, (1,)))]
        count = int(tags.get(PER_PIXEL, 1))
        form = _FORMATS.get(int((numbers(tags.get(FORMAT, (1,))) or [1])[0]), "unknown")
        photometric = int(tags.get(PHOTOMETRIC, 1))
    except Exception:  # whatever a damaged directory provokes
        return ""
    colours = _COLOURS.get(photometric, 1)
    declared = f", {colours} of them colours" if count > colours else ""
    depth = "/".join(str(item) for item in sorted(set(bits)))
    bands = f"{count} band{'s' * (count != 1)}"
    return f"TIFF of {bands} of {depth}-bit {form} samples{declared}"
