from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from featrank.targets import _plugin_formats
from featrank.targets._plugin_formats import unread_reason
from featrank.targets._recognise import SNIFFED_BYTES, by_content, by_name, masks


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a.JPG", "image"), ("a.tiff", "image"), ("a.heic", "image"),
        ("a.nii.gz", unread_reason("NIfTI")), ("a.NEF", unread_reason("camera raw")),
        ("a.svg", unread_reason("SVG")), ("a.txt", "other"), ("a.tar.gz", "other"),
        ("a.jpg~", "other"), ("a", None), ("a.jpg_large", None), ("a.png?w=640", None),
    ],
)  # fmt: skip
def test_names(name: str, said: str | None) -> None:
    assert by_name(name) == said


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_content_of_images(kind: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (3, 2)).save(stream, kind)
    assert by_content(stream.getvalue()[:SNIFFED_BYTES]) == "image"


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"", "other"), (b"plain text", "other"), (b"RIFF\0\0\0\0WAVEfmt ", "other"),
        (b"\0\0\0\x18ftypmp42", "other"), (b"\0\0\0\x18ftypavif", "image"),
        (b"\0\0\0\x18ftypheic", "image"), (b"\xff\x0a", "image"), (bytes(128) + b"DICM", "image"),
        (b"BM\x10\0\0\0\0\0\0\0", "image"), (b"BMW and others", "other"),
    ],
)  # fmt: skip
def test_other_content(start: bytes, said: str) -> None:
    assert by_content(start) == said


def test_masks_stand_beside_their_images() -> None:
    names = ["b (4).png", "b (4)_mask.png", "b (4)_mask_1.png", "I_0.jpg", "I_0_segmentation.png"]
    alone = ["x_mask.png", "mask.png", "seg_1.png"]
    files = [Path("a") / name for name in (*names, *alone)]
    found = masks([*files, Path("b") / "I_0_mask.png"])
    assert sorted(file.name for file in found) == sorted([names[1], names[2], names[4]])


def test_without_its_plugin_a_kind_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_plugin_formats, "_is_there", lambda plugin: False)
    heic, jxl, dicom = (f"pip install 'featrank[{extra}]'" for extra in ("heif", "jxl", "dicom"))
    assert heic in str(by_name("a.HEIC"))
    assert heic in by_content(b"\0\0\0\x18ftypheic")
    assert jxl in by_content(b"\xff\x0a")
    assert jxl in str(by_name("a.jxl"))
    assert dicom in by_content(bytes(128) + b"DICM")
    assert dicom in str(by_name("a.dcm"))
