"""Arrays inside an ``.npz``, read in order: headers are checked before any content is taken."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from featrank.errors import InputError
from featrank.storage.named_files import open_regular
from featrank.targets._file_names import printable
from featrank.targets._members import refuse_bomb
from featrank.targets._reach import refuse_unreachable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MAX_HEADER_BYTES = 10_000
_MAX_LOADED_BYTES = 1 << 28
# What a file that lies makes the readers raise beside OSError.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError,
    OverflowError, KeyError, TypeError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """What an array states of itself.

    Attributes:
        shape: Its sizes.
        dtype: The type of its values.
        in_c_order: Whether the last index runs fastest.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    in_c_order: bool

    @property
    def text(self) -> str:
        """As people write it: ``uint8 (100, 28, 28)``."""
        return f"{self.dtype} {self.shape}"


@dataclass(frozen=True)
class NpyArrays:
    """The arrays of one file.

    Attributes:
        file: The ``.npz``.
        shown: As the user named it.
    """

    file: Path
    shown: str

    def headers(self) -> dict[str, ArrayHeader]:
        """Each array's header, by name.

        Raises:
            InputError: It is no such file, or states sizes that it does not have.
        """
        with self._archive() as archive:
            infos = archive.infolist()
            n_unpacked = sum(info.file_size for info in infos)
            refuse_bomb(self.shown, self.file.stat().st_size, n_unpacked)
            found = {}
            for info in infos:
                if info.filename.endswith(".npy"):
                    with archive.open(info) as stream:
                        name = printable(info.filename.removesuffix(".npy"))
                        found[name] = self._header(stream, info)
            return found

    def load(self, name: str) -> npt.NDArray[Any]:
        """A small array as a whole; never one of Python objects.

        Raises:
            InputError: It is too large, or damaged.
        """
        import numpy as np

        with self._archive() as archive, archive.open(f"{name}.npy") as stream:
            header = self._header(stream, archive.getinfo(f"{name}.npy"))
            n_bytes = math.prod(header.shape) * header.dtype.itemsize
            if n_bytes > _MAX_LOADED_BYTES or header.dtype.hasobject:
                raise InputError(f"'{name}' of '{self.shown}' is no array of labels: {header.text}")
            flat = np.frombuffer(_exactly(stream, n_bytes), header.dtype)
            return flat.reshape(header.shape, order="C" if header.in_c_order else "F")

    def items(self, name: str) -> Iterator[bytes]:
        """The entries along an array's first axis, one after the other.

        Raises:
            InputError: It is damaged.
        """
        with self._archive() as archive, archive.open(f"{name}.npy") as stream:
            header = self._header(stream, archive.getinfo(f"{name}.npy"))
            n_bytes = math.prod(header.shape[1:]) * header.dtype.itemsize
            for _ in range(header.shape[0]):
                yield _exactly(stream, n_bytes)

    @contextmanager
    def _archive(self) -> Iterator[zipfile.ZipFile]:
        try:
            with open_regular(self.file) as packed, zipfile.ZipFile(packed) as archive:
                yield archive
        except OSError as error:
            refuse_unreachable(self.shown, error)
            raise InputError(f"cannot read '{self.shown}': {error.strerror or error}") from error
        except _DAMAGE as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"'{self.shown}' is no .npz of arrays, or a damaged one: {printable(reason)}",
                "fetch it again",
            ) from error

    def _header(self, stream: IO[bytes], info: zipfile.ZipInfo) -> ArrayHeader:
        """Read a header, and see that the content is as long as it says.

        Raises:
            ValueError: It is none, or does not hold.
        """
        from numpy.lib import format as npy

        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, in_f_order, dtype = read(stream, max_header_size=_MAX_HEADER_BYTES)
        n_bytes = math.prod(shape) * dtype.itemsize
        is_false = not dtype.hasobject and n_bytes != info.file_size - stream.tell()
        if is_false or min(shape, default=0) < 0:
            raise ValueError(f"{info.filename} states {dtype} {shape}, and has other bytes")
        return ArrayHeader(tuple(shape), dtype, not in_f_order or len(shape) < 2)


def _exactly(stream: IO[bytes], n_bytes: int) -> bytes:
    data = stream.read(n_bytes)
    if len(data) < n_bytes:
        raise EOFError("it ends early")
    return data
