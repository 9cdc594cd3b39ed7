from __future__ import annotations

import importlib.metadata
import io
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from featrank.targets import UnreadableImage
from featrank.targets import _plugin_formats as formats
from featrank.targets._decode import to_rgb
from featrank.targets._plugin_formats import (
    HEAD_BYTES,
    PLUGINS,
    Plugin,
    open_with_plugin,
    plugin_kind,
    unread_reason,
)

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def picture() -> Image.Image:
    y, x = np.mgrid[:48, :64]
    return Image.fromarray(np.stack([4 * x, 5 * y, 2 * x + y], axis=-1).astype(np.uint8))


def heic(orientation: int = 1, quality: int = 95) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    file = pillow_heif.from_pillow(picture())
    file.save(stream, quality=quality, chroma=444, exif=exif.tobytes())
    return stream.getvalue()


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "_is_there", lambda plugin: False)


def test_kinds_by_their_first_bytes() -> None:
    assert plugin_kind(heic()[:HEAD_BYTES]) == "HEIC"
    assert plugin_kind(imagecodecs.jpegxl_encode(np.zeros((8, 8), np.uint8))) == "JPEG XL"
    assert plugin_kind(bytes(128) + b"DICM") == "DICOM"
    assert plugin_kind(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == ""
    assert plugin_kind(b"\xff\xd8\xff" + bytes(200)) == plugin_kind(b"") == ""


def test_heic_is_the_picture_that_was_written() -> None:
    difference = np.asarray(to_rgb(heic(quality=-1))).astype(int) - np.asarray(picture())
    assert np.abs(difference).max() <= 8


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (6, (48, 64)), (3, (64, 48))])
def test_heic_is_turned_once(orientation: int, size: tuple[int, int]) -> None:
    shown = to_rgb(heic(orientation))
    assert shown.size == size
    turns = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270}
    turn = turns[orientation]
    expected = picture() if turn is None else picture().transpose(turn)
    difference = np.asarray(shown).astype(int) - np.asarray(expected)
    assert np.abs(difference).mean() < 4


@pytest.mark.parametrize("kind", PLUGINS)
def test_without_a_plugin_the_reason_says_how_to_get_it(none_installed: None, kind: str) -> None:
    reason = unread_reason(kind)
    (package, extra) = re.findall(r"pip install '(\w+)\[(\w+)\]'", reason)[0]
    assert package == PROJECT["name"]
    needed = [re.split("[>=]", item)[0] for item in PROJECT["optional-dependencies"][extra]]
    assert PLUGINS[kind].package in needed
    with pytest.raises(UnreadableImage, match=re.escape(reason)):
        open_with_plugin(kind, b"")


def test_without_a_plugin_a_file_is_not_read(none_installed: None) -> None:
    with pytest.raises(UnreadableImage, match=r"HEIC is not read without .*featrank\[heif\]"):
        to_rgb(heic())


def test_kinds_that_no_plugin_reads() -> None:
    assert unread_reason("SVG") == "SVG is not read: convert it to PNG or JPEG"


@pytest.mark.parametrize("kind", PLUGINS)
def test_what_is_installed(kind: str) -> None:
    plugin = PLUGINS[kind]
    assert plugin.is_installed
    assert plugin.version == f"{plugin.package} {importlib.metadata.version(plugin.package)}"
    absent = Plugin("x", "no_such_module", "no-such-package")
    assert not absent.is_installed
    assert absent.version == "no-such-package"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_torn_file_has_a_reason(share: float) -> None:
    for data in (heic(), imagecodecs.jpegxl_encode(np.asarray(picture()))):
        with pytest.raises(UnreadableImage):
            to_rgb(data[: int(share * len(data))])


def test_a_plugin_is_imported_only_where_its_files_are_met() -> None:
    program = """
import io, sys
from PIL import Image
from featrank.targets._decode import to_rgb
stream = io.BytesIO(); Image.new("RGB", (9, 9)).save(stream, "PNG"); to_rgb(stream.getvalue())
try: to_rgb(b"no image")
except Exception: pass
print(sorted({"pillow_heif", "pillow_jxl", "pydicom"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
