"""From an image file to what a network sees: an upright picture in RGB on white."""

from __future__ import annotations

import io
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from featrank.targets._pointers import POINTER_BYTES, pointer_reason
from featrank.targets._target import UnreadableImage

if TYPE_CHECKING:
    from PIL import Image

# The size beyond which Pillow itself suspects a decompression bomb: a quarter of a gigabyte as RGB.
MAX_PIXELS = 89_478_485

# EPS runs Ghostscript, an outside program, on whatever the file says; IPTC opens what it wraps
# as any format, EPS included. The others are names without a decoder: Pillow leaves them to a
# handler that the application installs, or to the operating system.
REFUSED_FORMATS = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"})

# The suffixes of the formats that are read, and of drawings that a person would call an image
# (.eps .ps .wmf .emf): those are refused with a reason rather than passed over in silence.
# Listed, because asking Pillow for them imports all its plugins.
_SUFFIXES = """
    .apng .avif .avifs .blp .bmp .bw .cur .dcx .dds .dib .emf .eps .fit .fits .flc .fli .ftc .ftu
    .gbr .gif .icb .icns .ico .im .j2c .j2k .jfif .jp2 .jpc .jpe .jpeg .jpf .jpg .jpx .mpo .msp
    .pbm .pcd .pcx .pfm .pgm .png .pnm .ppm .ps .psd .pxr .qoi .ras .rgb .rgba .sgi .tga .tif
    .tiff .vda .vst .webp .wmf .xbm .xpm
"""
IMAGE_SUFFIXES = frozenset(_SUFFIXES.split())

_EXIF_ORIENTATION = 0x0112


def to_rgb(source: Path | bytes | BinaryIO) -> Image.Image:
    """Decode an image: upright, in RGB, transparency on white, the first frame of several.

    Grey of 16 bits keeps its whole range (65,535 is white). Values with no natural white (32-bit
    integers, floats) are stretched from the image's smallest to its largest.

    Raises:
        UnreadableImage: It is damaged, truncated, too large, or no image; the message says which.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice to Pillow's caller, noise to ours
            if isinstance(source, Path):
                with source.open("rb") as stream:
                    return _decode(stream)
            return _decode(io.BytesIO(source) if isinstance(source, bytes) else source)
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage("not an image in a format that is read") from None
    except Image.DecompressionBombError:
        raise UnreadableImage(f"oversized: more than {MAX_PIXELS:,} pixels") from None
    # Pillow's plugins let out whatever a bad file provokes: OSError, SyntaxError, struct.error,
    # ValueError, MemoryError, ZeroDivisionError and more.
    except Exception as error:
        raise UnreadableImage(f"cannot be read: {_one_line(error)}") from None


def image_to_rgb(image: Image.Image) -> Image.Image:
    """As :func:`to_rgb`, of an image that is decoded already."""
    return _flatten(_upright(_to_8_bit(image), image))


def _one_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}".rstrip(": ")


@cache
def _formats() -> tuple[str, ...]:
    """The formats that are tried, the common ones first."""
    from PIL import Image

    Image.preinit()
    Image.init()
    return tuple(name for name in Image.ID if name not in REFUSED_FORMATS)


def _decode(stream: BinaryIO) -> Image.Image:
    from PIL import Image

    start = stream.read(POINTER_BYTES)
    if not start:
        raise UnreadableImage("empty file")
    if reason := pointer_reason(start):
        raise UnreadableImage(reason)
    stream.seek(0)
    with Image.open(stream, formats=_formats()) as image:
        n_pixels = image.width * image.height
        if n_pixels > MAX_PIXELS:
            raise UnreadableImage(f"oversized: {n_pixels:,} pixels, more than {MAX_PIXELS:,}")
        image.load()
        return image_to_rgb(image)


def _upright(image: Image.Image, original: Image.Image) -> Image.Image:
    """Turn the image as the original's EXIF or XMP orientation says."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    # ImageOps.exif_transpose also writes the EXIF block anew and fails where a camera left a
    # damaged one; a picture whose orientation cannot be read is as upright as it can be.
    try:
        turn = turns.get(original.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:
        turn = None
    return image if turn is None else image.transpose(turn)


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Scale the one-channel modes that Pillow would clip at 255."""
    import numpy as np
    from PIL import Image

    if image.mode != "F" and not image.mode.startswith("I"):
        return image
    values = np.asarray(image).astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if image.mode != "F" and low >= 0 and high <= 65_535:
        low, high = 0.0, 65_535.0
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / (high - low or 1.0)
    grey = np.rint(scaled * 255).astype(np.uint8)
    transparent = image.info.get("transparency")
    if transparent is not None:
        grey[values == transparent] = 255
    return Image.fromarray(grey)


def _flatten(image: Image.Image) -> Image.Image:
    """RGB, with what is transparent on white."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")
