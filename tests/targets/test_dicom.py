"""DICOM files as scanners write them, and as somebody may who means no good."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from pixel_files import eighths
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEG2000Lossless

from featrank.targets import UnreadableImage
from featrank.targets._decode import to_rgb

RANDOM = np.random.default_rng(0)
TWELVE = RANDOM.integers(0, 4096, (20, 30), dtype=np.uint16)


def dicom(values: np.ndarray, syntax: str = ExplicitVRLittleEndian, **fields: Any) -> bytes:
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = syntax
    file.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    file.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    file.SOPClassUID, file.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    colours = values.ndim == 3
    file.Rows, file.Columns = values.shape[:2]
    file.SamplesPerPixel = 3 if colours else 1
    file.PhotometricInterpretation = "RGB" if colours else "MONOCHROME2"
    if colours:
        file.PlanarConfiguration = 0
    file.BitsAllocated = 8 * values.itemsize
    file.BitsStored = fields.get("BitsStored") or 8 * values.itemsize
    file.HighBit = file.BitsStored - 1
    file.PixelRepresentation = int(values.dtype.kind == "i")
    file.PixelData = values.tobytes()
    for name, value in fields.items():
        setattr(file, name, value)
    stream = io.BytesIO()
    file.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(to_rgb(data))


def reason(data: bytes) -> str:
    with pytest.raises(UnreadableImage) as caught:
        to_rgb(data)
    return str(caught.value)


def test_bits_stored_are_the_range() -> None:
    assert np.array_equal(pixels(dicom(TWELVE, BitsStored=12)), eighths(TWELVE, 4095))


def test_min_is_white() -> None:
    data = dicom(TWELVE, BitsStored=12, PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(pixels(data), eighths(4095 - TWELVE, 4095))


def test_signed_values_with_a_rescale() -> None:
    values = TWELVE.astype(np.int16) - 2048
    data = dicom(values, BitsStored=12, RescaleSlope="2", RescaleIntercept="-1000")
    assert np.array_equal(pixels(data), eighths(TWELVE, 4095))
    falling = dicom(values, BitsStored=12, RescaleSlope="-1", RescaleIntercept="0")
    assert np.array_equal(pixels(falling), eighths(4095 - TWELVE, 4095))


def test_a_window_by_the_formula_of_the_standard() -> None:
    """PS3.3 C.11.2.1.2: linear from centre - 0.5 - (width - 1) / 2."""
    window = {"WindowCenter": "40", "WindowWidth": "400"}
    data = dicom(TWELVE, BitsStored=12, RescaleSlope="1", RescaleIntercept="-1024", **window)
    units = TWELVE.astype(float) - 1024
    share = ((units - 39.5) / 399 + 0.5).clip(0, 1)
    assert np.abs(pixels(data)[..., 0] - share * 255).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("kind", ["US", "OW"])
def test_a_table_for_display(kind: str) -> None:
    table = Dataset()
    entries = [255 - value // 16 for value in range(4096)]
    table.add_new("LUTDescriptor", "US", [4096, 0, 8])
    packed = np.array(entries, "<u2").tobytes()
    table.add_new("LUTData", kind, entries if kind == "US" else packed)
    data = dicom(TWELVE, BitsStored=12, VOILUTSequence=Sequence([table]))
    assert np.array_equal(pixels(data)[..., 0], 255 - TWELVE // 16)


def test_colours() -> None:
    values = RANDOM.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(pixels(dicom(values)), values)


def test_a_palette() -> None:
    values = RANDOM.integers(0, 256, (20, 30), dtype=np.uint8)
    ramp = np.arange(256, dtype=np.uint16) * 257
    tables = {}
    for colour, entries in (("Red", ramp), ("Green", ramp[::-1]), ("Blue", ramp)):
        tables[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tables[f"{colour}PaletteColorLookupTableData"] = entries.tobytes()
    data = dicom(values, PhotometricInterpretation="PALETTE COLOR", **tables)
    assert np.array_equal(pixels(data), np.stack([values, 255 - values, values], axis=-1))


def test_the_first_frame_of_several() -> None:
    frames = np.stack([TWELVE, TWELVE[::-1]])
    data = dicom(TWELVE, BitsStored=12, NumberOfFrames=2, PixelData=frames.tobytes())
    assert np.array_equal(pixels(data), eighths(TWELVE, 4095))


def test_more_frames_than_there_are() -> None:
    assert reason(dicom(TWELVE, BitsStored=12, NumberOfFrames=2_000_000_000))


def test_a_size_that_is_a_lie() -> None:
    assert reason(dicom(TWELVE, BitsStored=12, Rows=65_535, Columns=65_535)).startswith("oversized")


def test_no_picture() -> None:
    file = dicom(TWELVE, BitsStored=12)
    assert reason(file[: file.index(b"\xe0\x7f\x10\x00")]) == "DICOM without a picture"


def test_what_is_not_stated() -> None:
    assert "BitsStored" in reason(dicom(TWELVE, BitsStored=None))


def test_deflated_files_are_not_inflated() -> None:
    data = dicom(TWELVE, DeflatedExplicitVRLittleEndian, BitsStored=12)
    assert reason(data).startswith("deflated DICOM is not read")
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = zeros.compress(bytes(10**8)) + zeros.flush()
    assert reason(data[:-20] + bomb).startswith("deflated DICOM is not read")


def test_compressed_nonsense(capfd: pytest.CaptureFixture[str]) -> None:
    items = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE000, 4)
    ends = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    plain = dicom(TWELVE, BitsStored=12)
    at = plain.index(b"\xe0\x7f\x10\x00OW")
    body = plain[:at] + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + items + b"junk" + ends
    plain_uid = ExplicitVRLittleEndian.encode() + b"\0"
    compressed = JPEG2000Lossless.encode()
    assert reason(body.replace(plain_uid, compressed[: len(plain_uid)].ljust(len(plain_uid))))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("seed", range(30))
def test_damage_gives_a_picture_or_a_reason(seed: int) -> None:
    random = np.random.default_rng(seed)
    data = np.frombuffer(dicom(TWELVE, BitsStored=12), np.uint8).copy()
    data[random.integers(132, 600, 5)] = random.integers(0, 256, 5)
    with suppress(UnreadableImage):
        pixels(data.tobytes())
