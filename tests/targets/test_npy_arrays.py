from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from featrank.errors import InputError
from featrank.targets._npy_arrays import NpyArrays

VALUES = np.arange(24, dtype=np.int32).reshape(4, 3, 2)


def written(file: Path, **arrays: object) -> NpyArrays:
    np.savez_compressed(file, **arrays)
    return NpyArrays(file, "a.npz")


def raw(file: Path, **members: bytes) -> NpyArrays:
    with zipfile.ZipFile(file, "w") as made:
        for name, data in members.items():
            made.writestr(f"{name}.npy", data)
    return NpyArrays(file, "a.npz")


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_headers_and_contents(tmp_path: Path) -> None:
    fortran = np.asfortranarray(VALUES[..., 0])
    arrays = written(tmp_path / "a.npz", a=VALUES, f=fortran, s=np.array(3))
    headers = arrays.headers()
    assert headers["a"].text == "int32 (4, 3, 2)"
    assert [headers[name].in_c_order for name in "afs"] == [True, False, True]
    assert np.array_equal(arrays.load("a"), VALUES)
    assert np.array_equal(arrays.load("f"), fortran)
    assert arrays.load("s") == 3
    assert list(arrays.items("a")) == [row.tobytes() for row in VALUES]


class Harm:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    arrays = written(tmp_path / "a.npz", a=np.array([Harm(mark)], dtype=object))
    assert arrays.headers()["a"].dtype.hasobject
    with pytest.raises(InputError, match="no array of labels"):
        arrays.load("a")
    raw(tmp_path / "b.npz", a=pickle.dumps(Harm(mark)))
    with pytest.raises(InputError, match=r"no \.npz of arrays"):
        NpyArrays(tmp_path / "b.npz", "a.npz").headers()
    assert not mark.exists()


def test_sizes_that_do_not_hold(tmp_path: Path) -> None:
    whole = npy(VALUES)
    lies = {
        "longer": whole.replace(b"(4, 3, 2)", b"(9, 3, 2)"),
        "shorter": whole.replace(b"(4, 3, 2)", b"(3, 3, 2)"),
        "negative": whole.replace(b"(4, 3, 2), ", b"(-4,3,-2), "),
        "huge": whole.replace(b"(4, 3, 2)", b"(10**9,)  "[:9]),
        "cut": whole[:40],
        "none": b"",
    }
    for name, content in lies.items():
        with pytest.raises(InputError, match=r"no \.npz of arrays"):
            raw(tmp_path / f"{name}.npz", a=content).headers()
    with pytest.raises(InputError, match="no array of labels: int8"):
        written(tmp_path / "large.npz", a=np.zeros(1 << 28 | 1, np.int8)).load("a")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + bytes(50), b"\x93NUMPY no zip"])
def test_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"no \.npz of arrays"):
        NpyArrays(tmp_path / "a.npz", "a").headers()
    with pytest.raises(InputError, match="No such file"):
        NpyArrays(tmp_path / "b.npz", "b").headers()


def test_content_that_is_damaged(tmp_path: Path) -> None:
    arrays = raw(tmp_path / "a.npz", a=npy(VALUES))
    content = bytearray(arrays.file.read_bytes())
    content[content.index(VALUES.tobytes()) + 60] ^= 255
    arrays.file.write_bytes(content)
    with pytest.raises(InputError, match="Bad CRC"):
        list(arrays.items("a"))
    with pytest.raises(InputError, match="Bad CRC"):
        arrays.load("a")
