"""DICOM: the first frame, as the file says that it is to be shown."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from featrank.targets._size import refuse_oversized
from featrank.targets._target import UnreadableImage
from featrank.targets._value_range import Range, to_grey

if TYPE_CHECKING:
    from PIL import Image

# Data sets under this transfer syntax are inflated as a whole, however large they become.
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META_BYTES = 4096


def read_dicom(data: bytes) -> Image.Image:
    """The picture: values rescaled, then windowed, MONOCHROME1 turned.

    Raises:
        UnreadableImage: It is too large, holds no picture, or is deflated.
        Exception: Whatever a bad file provokes in pydicom.
    """
    from PIL import Image
    from pydicom import dcmread

    if _DEFLATED in data[:_META_BYTES]:
        raise UnreadableImage("deflated DICOM is not read: dcmconv +te makes it plain")
    file = dcmread(io.BytesIO(data))
    if not any(name in file for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise UnreadableImage("DICOM without a picture")
    refuse_oversized(int(file.Columns), int(file.Rows))
    if "BitsStored" not in file or file.BitsStored is None or "PixelData" not in file:
        raise UnreadableImage("DICOM that does not state BitsStored")
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    frame = pixel_array(file, index=0)
    kind = str(file.get("PhotometricInterpretation", "MONOCHROME2")).strip()
    if kind == "PALETTE COLOR":
        frame = apply_color_lut(frame, file)
        bits = 8 * frame.dtype.itemsize
        return _colours(frame, (0.0, float(2**bits - 1)))
    if frame.ndim == 3:
        return _colours(frame, (0.0, float(2 ** int(file.BitsStored) - 1)))
    shown, ends = _shown(frame, file)
    return Image.fromarray(to_grey(shown, ends, inverted=kind == "MONOCHROME1"))


def _colours(frame: npt.NDArray[Any], ends: Range) -> Image.Image:
    from PIL import Image

    bands = [to_grey(frame[..., band], ends, inverted=False) for band in range(3)]
    return Image.fromarray(np.stack(bands, axis=-1))


def _shown(frame: npt.NDArray[Any], file: Any) -> tuple[npt.NDArray[Any], Range]:
    """What a display gets, and the values of its black and white."""
    from pydicom.pixels.processing import apply_modality_lut, apply_windowing

    ends = _stored_range(file)
    values = apply_modality_lut(frame, file)
    if table := file.get("ModalityLUTSequence"):
        ends = _table_range(table)
    elif "RescaleSlope" in file and "RescaleIntercept" in file:
        slope, intercept = float(file.RescaleSlope), float(file.RescaleIntercept)
        low, high = (end * slope + intercept for end in ends)
        ends = min(low, high), max(low, high)
    if table := file.get("VOILUTSequence"):
        return _through_table(values, table[0], file), _table_range(table)
    if not ends[0] < ends[1]:
        raise UnreadableImage("DICOM whose values have no range")
    return apply_windowing(values, file), ends


def _through_table(values: npt.NDArray[Any], item: Any, file: Any) -> npt.NDArray[Any]:
    """As pydicom's apply_voi, which cuts indices to 8 bits where the entries have as many."""
    data = item.LUTData
    if isinstance(data, bytes):
        entries = np.frombuffer(data, "<u2" if file.original_encoding[1] else ">u2")
    else:
        entries = np.asarray(data, dtype=np.uint16)
    if not entries.size:
        raise UnreadableImage("DICOM with an empty table for display")
    first = int(item.LUTDescriptor[1])
    index = np.clip(values.astype(np.float64) - first, 0, entries.size - 1).astype(np.intp)
    return entries[index]


def _stored_range(file: Any) -> Range:
    """What so many bits hold."""
    bits = int(file.BitsStored)
    if file.get("PixelRepresentation", 0):
        return -float(2 ** (bits - 1)), float(2 ** (bits - 1) - 1)
    return 0.0, float(2**bits - 1)


def _table_range(table: Any) -> Range:
    return 0.0, float(2 ** int(table[0].LUTDescriptor[2]) - 1)
