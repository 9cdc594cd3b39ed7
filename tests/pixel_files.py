"""Image files of any kind of samples, made by writers that are not Pillow."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import imagecodecs
import numpy as np
import tifffile


def tiff(values: np.ndarray, **options: Any) -> bytes:
    """By tifffile."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def bare_tiff(values: np.ndarray, photometric: int, extra: int | None = None) -> bytes:
    """With no more tags than one writes by hand; the bands are behind."""
    height, width, bands = values.shape
    bits, data = 8 * values.itemsize, values.astype(values.dtype.newbyteorder("<")).tobytes()
    tags = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, bands, 0), (259, 3, 1, 1),
        (262, 3, 1, photometric), (273, 4, 1, 0), (277, 3, 1, bands), (278, 3, 1, height),
        (279, 4, 1, len(data)),
        *([(338, 3, 1, extra)] if extra is not None else []),
    ]  # fmt: skip
    base = 8 + 2 + 12 * len(tags) + 4
    body = b"".join(
        struct.pack("<HHII", tag, kind, count, {258: base, 273: base + 2 * bands}.get(tag, value))
        for tag, kind, count, value in tags
    )
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4)
    return head + struct.pack(f"<{bands}H", *[bits] * bands) + data


def png(values: np.ndarray, significant: bytes = b"") -> bytes:
    """By libpng; perhaps with an sBIT chunk after the header."""
    data: bytes = imagecodecs.png_encode(np.ascontiguousarray(values))
    if not significant:
        return data
    part = b"sBIT" + significant
    chunk = struct.pack(">I", len(significant)) + part + struct.pack(">I", zlib.crc32(part))
    return data[:33] + chunk + data[33:]


def eighths(values: np.ndarray, high: float) -> np.ndarray:
    """What 8 bits make of values from 0 to ``high``, as RGB."""
    grey = np.rint(values.astype(np.float64) / high * 255).astype(np.uint8)
    return np.stack([grey] * 3, axis=-1) if grey.ndim == 2 else grey
