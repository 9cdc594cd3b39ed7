"""From an image file to what a network sees: an upright picture in RGB on white."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from featrank.storage.pointers import pointer_reason
from featrank.targets._plugin_formats import HEAD_BYTES, open_with_plugin, plugin_kind
from featrank.targets._samples import (
    Samples,
    Values,
    describe,
    is_cut,
    raw_mode,
    stored_values,
)
from featrank.targets._size import MAX_PIXELS, refuse_oversized
from featrank.targets._target import UnreadableImage
from featrank.targets._tiff import know_more, mend_tiff, tiff_kind
from featrank.targets._value_range import FLOAT, UNIT, WHOLE, Reading, refuse_beyond, to_grey

if TYPE_CHECKING:
    from PIL import Image

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

# Names that plug-ins register; what is of their kinds goes another way.
_PLUGINS = ("HEIF", "JXL")
_CONVERT = "convert it to RGB or grey of 8 or 16 bits"
_EXIF_ORIENTATION = 0x0112
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


# Without a handler of their own, Pillow's complaints of a bad file go to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_USUAL = Reading()


def to_rgb(source: Path | bytes | BinaryIO, reading: Reading = _USUAL) -> Image.Image:
    """Decode an image: upright, in RGB, transparency on white, the first frame of several.

    Args:
        source: The file.
        reading: How samples of more than 8 bits are read.

    Raises:
        UnreadableImage: It is damaged, truncated, too large, or no image; the message says which.
    """
    with reasons(), opened(source) as stream:
        return _decode(stream, reading)


@contextmanager
def opened(source: Path | bytes | BinaryIO) -> Iterator[BinaryIO]:
    """A file's bytes as a stream.

    Raises:
        OSError: It cannot be opened.
    """
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        yield io.BytesIO(source) if isinstance(source, bytes) else source


@contextmanager
def reasons() -> Iterator[None]:
    """Whatever a bad file provokes becomes a reason, and nothing is shown to the user.

    Raises:
        UnreadableImage: Something was provoked.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice to Pillow's caller, noise to ours
            yield
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
    """As :func:`to_rgb`, of an image that is decoded already.

    Raises:
        UnreadableImage: It holds floats beyond 0 to 1.
    """
    samples = describe(image, io.BytesIO())
    shown = _to_8_bit(image, samples, None, _USUAL) if samples.group else image
    return _flatten(_upright(shown, image))


def _one_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())}".rstrip(": ")


@cache
def _formats() -> tuple[str, ...]:
    """The formats that are tried, the common ones first."""
    from PIL import Image

    Image.preinit()
    Image.init()
    know_more()
    return tuple(name for name in Image.ID if name not in {*REFUSED_FORMATS, *_PLUGINS})


def open_image(stream: BinaryIO) -> Image.Image:
    """Open an image in a format that Pillow reads by itself, without loading it.

    Raises:
        UnreadableImage: It is too large, or a TIFF file of samples that are not read.
        UnidentifiedImageError: It is in no such format.
    """
    from PIL import Image, UnidentifiedImageError

    stream.seek(0)
    try:
        image = Image.open(stream, formats=_formats())
    except UnidentifiedImageError:
        stream.seek(0)
        if stream.read(4) in _TIFF_STARTS and (kind := tiff_kind(stream)):
            raise UnreadableImage(f"{kind}: {_CONVERT}") from None
        raise
    refuse_oversized(image.width, image.height)
    if image.format == "TIFF":
        if not mend_tiff(image):
            raise UnreadableImage(f"{tiff_kind(stream)}: {_CONVERT}")
        stream.seek(0)
    return image


def _decode(stream: BinaryIO, reading: Reading) -> Image.Image:
    start = stream.read(HEAD_BYTES)
    if not start:
        raise UnreadableImage("empty file")
    if reason := pointer_reason(start):
        raise UnreadableImage(reason)
    if kind := plugin_kind(start):
        with open_with_plugin(kind, start + stream.read()) as image:
            refuse_oversized(image.width, image.height)
            image.load()
            return image_to_rgb(image)
    with open_image(stream) as image:
        samples = describe(image, stream)
        if not samples.group:
            image.load()
            shown = _without_alpha(image) if samples.surplus else image
            return _flatten(_upright(shown, image))
        values = read_values(image, samples, stream, reading)
        return _flatten(_upright(_to_8_bit(image, samples, values, reading), image))


def read_values(
    image: Image.Image, samples: Samples, stream: BinaryIO, reading: Reading | None
) -> Values | None:
    """Load an image and take its samples as they are stored.

    Args:
        image: It is not yet loaded.
        samples: What they are.
        stream: Where it comes from.
        reading: How they are read: several bands that are read as 16 bits are not taken apart, for
            Pillow has their upper bytes; None to take them apart in any case.

    Returns:
        ``(height, width)``, or with the bands behind; None where Pillow's 8 bits are right.
    """
    raw, is_one = raw_mode(image), image.mode == "F" or image.mode.startswith("I")
    wanted = reading is None or reading.of(samples.group) != WHOLE
    if wanted and samples.in_planes and reading is not None:
        raise UnreadableImage("bands of less than 16 bits in planes of 16: convert it to RGB")
    cut = not is_one and wanted and is_cut(raw)
    again = open_image(stream) if cut and not samples.in_planes else None
    stream.seek(0)
    image.load()
    if cut and samples.in_planes:  # the upper bytes tell how many bits hold the values
        return np.asarray(image).astype(np.uint16) << 8 | np.uint16(255)
    return stored_values(image, again) if is_one or again is not None else None


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


def _to_8_bit(
    image: Image.Image, samples: Samples, values: Values | None, reading: Reading
) -> Image.Image:
    """Bring samples of more than 8 bits into 8, by their range."""
    from PIL import Image

    if values is None and (image.mode == "F" or image.mode.startswith("I")):
        values = np.asarray(image)
    if values is None:
        return _without_alpha(image) if samples.surplus else image
    ends = reading.of(samples.group)
    if samples.group == FLOAT and ends == UNIT:
        refuse_beyond(values, ends)
    if values.ndim == 3:
        return _bands_to_8_bit(image, samples, values, ends)
    grey = to_grey(values, ends, inverted=samples.inverted)
    transparent = image.info.get("transparency")
    if transparent is not None:
        grey[values == transparent] = 255
    return Image.fromarray(grey)


def _bands_to_8_bit(
    image: Image.Image, samples: Samples, values: Values, ends: tuple[float, float]
) -> Image.Image:
    from PIL import Image

    n_bands = 3 if samples.surplus else values.shape[2]
    bands: npt.NDArray[np.uint8] = np.stack(
        [to_grey(values[..., band], ends, inverted=False) for band in range(n_bands)], axis=-1
    )
    transparent = image.info.get("transparency")
    if transparent is not None and n_bands == 3:
        bands[(values == np.asarray(transparent)).all(axis=-1)] = 255
    return Image.fromarray(bands)


def _without_alpha(image: Image.Image) -> Image.Image:
    """The colours alone, untouched by what Pillow takes for transparency."""
    from PIL import Image

    return Image.merge("RGB", image.split()[:3])


def _flatten(image: Image.Image) -> Image.Image:
    """RGB, with what is transparent on white."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")
