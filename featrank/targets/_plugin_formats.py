"""Formats that Pillow alone does not read, and the extra of this package that reads each.

A plug-in is imported only when a file of its format is met.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from featrank.targets._target import UnreadableImage

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True)
class Plugin:
    """What reads a format.

    Attributes:
        extra: This package's extra that installs it.
        module: The module to import.
        package: Its name in an index.
    """

    extra: str
    module: str
    package: str

    @property
    def is_installed(self) -> bool:
        return find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Name and version, as they stand in the key of features."""
        try:
            return f"{self.package} {version(self.package)}"
        except PackageNotFoundError:
            return self.package


_HEIF = Plugin("heif", "pillow_heif", "pillow-heif")
PLUGINS = {
    "HEIC": _HEIF,
    "HEIF": _HEIF,
    "JPEG XL": Plugin("jxl", "pillow_jxl", "pillow-jxl-plugin"),
    "DICOM": Plugin("dicom", "pydicom", "pydicom"),
}
HEAD_BYTES = 132
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "HEIC"),
    **dict.fromkeys((b"mif1", b"msf1"), "HEIF"),
}
JXL_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"


def plugin_kind(start: bytes) -> str:
    """The kind of a file by its first bytes, where it is one of these; else empty."""
    if start[4:8] == b"ftyp":
        if start[8:12] in (b"mif1", b"msf1") and b"avif" in start[16:64]:
            return ""
        return _BRANDS.get(start[8:12], "")
    if start.startswith((JXL_CONTAINER, b"\xff\x0a")):
        return "JPEG XL"
    return "DICOM" if start[128:132] == b"DICM" else ""


def unread_reason(kind: str) -> str:
    """Why an image of this kind is skipped; empty where it can be read."""
    plugin = PLUGINS.get(kind)
    if plugin is None:
        return f"{kind} is not read: convert it to PNG or JPEG"
    if _is_there(plugin):
        return ""
    return f"{kind} is not read without a plug-in: pip install 'featrank[{plugin.extra}]'"


@cache
def _is_there(plugin: Plugin) -> bool:
    return plugin.is_installed


def open_with_plugin(kind: str, data: bytes) -> Image.Image:
    """Open a file of one of these kinds; Pillow has loaded it, or can.

    Raises:
        UnreadableImage: Its plug-in is not installed, or it is too large or not readable.
        Exception: Whatever a bad file provokes.
    """
    if reason := unread_reason(kind):
        raise UnreadableImage(reason)
    if kind == "DICOM":
        from featrank.targets._dicom import read_dicom

        logging.getLogger("pydicom").addHandler(logging.NullHandler())
        return read_dicom(data)
    if kind == "JPEG XL":
        from featrank.targets._jpeg_xl import open_jpeg_xl

        return open_jpeg_xl(data)
    from PIL import Image
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return Image.open(io.BytesIO(data), formats=("HEIF",))
