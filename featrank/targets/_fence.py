"""Other people's readers, kept to the files below one folder.

A data set of torchvision makes paths from lists of its own, each class in its own way. What all of
them have in common is that Python opens the file in the end, and says so to an audit hook.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from featrank.storage.named_files import refuse_special


class LeadsOut(Exception):  # noqa: N818 (a finding)
    """A file outside the folder was to be read.

    Args:
        path: Which.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


_fence = threading.local()
# A library may import what it needs on first use.
_MODULES = tuple(importlib.machinery.all_suffixes())


@contextmanager
def reading_only_below(root: Path) -> Iterator[None]:
    """Within the block this thread opens no file outside a folder.

    Args:
        root: The folder, resolved.

    Raises:
        LeadsOut: It was to be done.
        OSError: A pipe, a socket or a device inside was to be opened.
    """
    _install()
    before = getattr(_fence, "root", None)
    _fence.root = root
    try:
        yield
    finally:
        _fence.root = before


@cache
def _install() -> None:
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    root = getattr(_fence, "root", None)
    if event != "open" or root is None or not isinstance(arguments[0], str | bytes | os.PathLike):
        return
    path = os.fsdecode(arguments[0])
    if path.endswith(_MODULES):
        return
    if not Path(os.path.realpath(path)).is_relative_to(root):
        raise LeadsOut(path)
    refuse_special(Path(path))  # opening it may wait for ever
