"""What kind of samples an image holds, and their values as they are stored."""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from featrank.targets._tiff import (
    BITS,
    EXTRA,
    FORMAT,
    MENDED,
    PHOTOMETRIC,
    PLANAR,
    declared_ends,
    numbers,
)
from featrank.targets._value_range import (
    DECLARED,
    FLOAT,
    FULL,
    INTEGER,
    PACKED,
    SHARE,
    SIGNIFICANT,
    Range,
)

if TYPE_CHECKING:
    from PIL import Image

Values = npt.NDArray[Any]

# A file has a few chunks before its pixels.
_MAX_CHUNKS = 1000
# Rows of 16-bit samples that Pillow cuts to their upper bytes, and how to have the lower ones.
_CUT = ("RGB;16", "RGBX;16", "RGBA;16", "LA;16")


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of one image.

    Attributes:
        group: Which range they are read by; empty where they are of 8 bits or fewer.
        declared: What the file says of their range.
        inverted: Whether the lower end is white.
        surplus: Whether Pillow takes a band for alpha that nothing declares to be that.
        bounded: Whether no value can be below 0 or above 65,535.
        mended: Whether Pillow alone gets them wrong.
        in_planes: Whether each band is stored by itself, of which only upper bytes can be had.
    """

    group: str = ""
    declared: Range | None = None
    inverted: bool = False
    surplus: bool = False
    bounded: bool = False
    mended: bool = False
    in_planes: bool = False


def describe(image: Image.Image, stream: BinaryIO) -> Samples:
    """The samples of an image that is opened and not yet loaded.

    Raises:
        OSError: The stream cannot be read.
    """
    if image.format == "TIFF":
        return replace(_of_tiff(image), mended=bool(image.info.get(MENDED)))
    if image.format == "PNG":
        return _of_png(image, stream)
    if image.mode == "F":
        return Samples(SHARE if image.format == "JXL" else FLOAT)
    if not image.mode.startswith("I"):
        return Samples()
    if image.format in ("PPM", "JPEG2000", "JXL"):
        return Samples(FULL, bounded=True)
    return Samples(INTEGER, bounded=image.mode.startswith("I;16"))


def raw_mode(image: Image.Image) -> str:
    """How Pillow unpacks the samples of an image that is not yet loaded."""
    from PIL import ImageFile

    if not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return ""
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) else args)


def _of_png(image: Image.Image, stream: BinaryIO) -> Samples:
    if "16" not in raw_mode(image) and not image.mode.startswith("I"):
        return Samples()
    bits = _significant_bits(stream)
    return Samples(f"{SIGNIFICANT}{bits}" if bits else INTEGER, bounded=True)


def _significant_bits(stream: BinaryIO) -> int:
    """The largest depth in a PNG's sBIT chunk; 0 where there is none."""
    stream.seek(8)
    for _ in range(_MAX_CHUNKS):
        header = stream.read(8)
        if len(header) < 8:
            return 0
        length, kind = struct.unpack(">I4s", header)
        if kind == b"sBIT":
            bits = max(stream.read(min(length, 4)), default=0)
            return bits if bits < 16 else 0
        if kind == b"IDAT":
            return 0
        stream.seek(length + 4, 1)
    return 0


def _of_tiff(image: Image.Image) -> Samples:
    tags: Mapping[int, Any] = image.tag_v2  # type: ignore[attr-defined]
    photometric = tags.get(PHOTOMETRIC, 0)
    mode, raw = image.mode, raw_mode(image)
    surplus = mode == "RGBA" and photometric == 2 and not tags.get(EXTRA)
    if mode == "I;16" and "12" in raw:
        return Samples(PACKED, inverted=photometric == 0, bounded=True)
    is_deep = mode == "F" or mode.startswith("I")
    if not is_deep and ";16" not in raw:
        return Samples(surplus=surplus)
    inverted = is_deep and photometric == 0
    declared = declared_ends(tags)
    if not raw.startswith(_CUT) and not is_deep:
        return Samples(FULL, surplus=surplus, bounded=True)
    bounded = not is_deep or mode.startswith("I;16")
    if mode == "F":
        return Samples(DECLARED if declared else FLOAT, declared, inverted)
    if declared and (declared[0] < 0 or declared[1] > 65_535):
        return Samples(DECLARED, declared, inverted, surplus)
    in_planes = not is_deep and tags.get(PLANAR) == 2
    return Samples(INTEGER, declared, inverted, surplus, bounded, in_planes=in_planes)


def stored_values(image: Image.Image, again: Image.Image | None) -> Values:
    """The samples as they are stored: ``(height, width)``, or with the bands behind.

    Args:
        image: It is loaded.
        again: The same file, opened anew and not yet loaded: Pillow cuts several bands of 16 bits
            to their upper bytes. None where the image has one band.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        is_unsigned = image.format == "TIFF" and _is_unsigned(image)
        return values.view(np.uint32) if is_unsigned and values.dtype == np.int32 else values
    assert again is not None
    low = _lower_bytes(again)
    if low.dtype == np.uint16:
        return low
    whole: npt.NDArray[Any] = np.asarray(image).astype(np.uint16) << 8
    return whole | low  # type: ignore[no-any-return]


def is_cut(raw: str) -> bool:
    """Whether Pillow drops the lower bytes of samples that are unpacked so."""
    return raw.startswith(_CUT)


def _is_unsigned(image: Image.Image) -> bool:
    tags: Mapping[int, Any] = image.tag_v2  # type: ignore[attr-defined]
    return (numbers(tags.get(FORMAT)) or [1.0])[0] == 1 and 32 in numbers(tags.get(BITS))


def _lower_bytes(image: Any) -> npt.NDArray[Any]:
    """Unpacked as if the bytes were in the other order, what is kept are the lower ones."""
    raw = raw_mode(image)
    if raw.startswith("LA"):  # no such unpacker: both samples as one integer
        _unpack_as(image, "I;32B")
        image._mode = "I"
        both = np.asarray(image).view(np.uint32)
        return np.stack([both >> 16, both & 0xFFFF], axis=-1).astype(np.uint16)
    is_big = raw.endswith("B") or (raw.endswith("N") and sys.byteorder == "big")
    _unpack_as(image, raw[:-1] + ("L" if is_big else "B"))
    return np.asarray(image)


def _unpack_as(image: Any, raw: str) -> None:
    image.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
        for tile in image.tile
    ]
