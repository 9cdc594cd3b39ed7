"""Objects beside the tensors of a file, read without the code that they belong to."""

from __future__ import annotations

import argparse
import pickletools
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from featrank.errors import InputError

# A name from these has no place beside weights: whoever wrote it wanted something to be run.
_REFUSED_MODULES = frozenset(
    {
        "builtins", "code", "commands", "ctypes", "importlib", "marshal", "multiprocessing", "nt",
        "os", "pickle", "posix", "pty", "runpy", "shutil", "socket", "subprocess", "sys", "types",
        "webbrowser",
    }
)  # fmt: skip
# Of Python's own names, those that are plain data.
_HARMLESS = frozenset(
    f"builtins.{name}"
    for name in (
        "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list",
        "object", "range", "set", "slice", "str", "tuple",
    )
)  # fmt: skip
_LARGEST_PICKLE = 1 << 28
# A legacy file begins with pickles of a magic number, a protocol and the machine.
_LEGACY_PICKLES = 4


class StandIn:
    """Takes the place of an object whose class is not loaded; holds nothing and does nothing."""

    def __new__(cls, *_: object, **__: object) -> StandIn:
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def stand_ins(path: Path) -> list[Any]:
    """What ``torch.serialization.safe_globals`` takes, so that a file's other objects do no harm.

    Args:
        path: A file of ``torch.save``.

    Raises:
        InputError: The file names something that only a program would need.
    """
    names = _names_in(path)
    for name in sorted(names - _HARMLESS):
        if name.partition(".")[0] in _REFUSED_MODULES:
            raise InputError(
                f"{path} is refused: reading it would run '{name}', code that it asks for",
                "save the state dict alone, best as .safetensors",
            )
    return [(_KNOWN.get(name) or _named(name), name) for name in sorted(names)]


def _filled_later(*_: object) -> OrderedDict[Any, Any]:
    return OrderedDict()


# timm's training script stores its arguments beside the weights; they are plain data.
_KNOWN: dict[str, Any] = {
    "argparse.Namespace": argparse.Namespace,
    "collections.defaultdict": _filled_later,
}


def _named(name: str) -> type[StandIn]:
    return type(name.rpartition(".")[2], (StandIn,), {"stands_for": name})


def _names_in(path: Path) -> set[str]:
    """The classes and functions that a file asks for, beyond those that torch allows."""
    import torch

    if zipfile.is_zipfile(path):
        return set(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    with path.open("rb") as stream:
        return set(_globals(stream)) - _allowed()


def _allowed() -> set[str]:
    from torch import _weights_only_unpickler

    return set(_weights_only_unpickler._get_allowed_globals())


def _globals(stream: BinaryIO) -> Iterable[str]:
    for _ in range(_LEGACY_PICKLES):
        for operation, argument, position in pickletools.genops(stream):
            if operation.name == "GLOBAL":
                module, _, name = str(argument).partition(" ")
                # As Python and torch read the names of Python 2, which old formats write.
                module = IMPORT_MAPPING.get(module, module)
                yield ".".join(NAME_MAPPING.get((module, name), (module, name)))
            if (position or 0) > _LARGEST_PICKLE:
                return
