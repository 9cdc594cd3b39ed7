"""Files that a user names: read where reading ends, refused where it may wait for ever.

A named pipe without a writer, a socket or a device is no file. What a shell's ``<(command)`` and
``/dev/stdin`` stand for is a descriptor that this process holds already: it is read, whatever it
is of.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader, BufferedWriter
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_MOST_LINKS = 40


def no_file(path: Path) -> str:
    """Why a path, links followed, is no regular file; empty where it is one."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a zero byte is in no name
        return "no such file"
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    return "" if stat.S_ISREG(mode) else f"{_kind(mode)}, not a file"


def refuse_special(path: Path) -> None:
    """See that writing a file would put it in the place of nothing but a file.

    Raises:
        OSError: A named pipe, a socket or a device is there.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # who writes there will see
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EEXIST, f"{_kind(mode)}, not a file")


def open_regular(path: Path) -> BufferedReader:
    """A regular file, links followed, open for reading; nothing else is opened or waited for.

    Raises:
        OSError: It is something else, not there, or cannot be opened.
    """
    _check_regular(path.stat().st_mode)
    # It may have been replaced since it was looked at: what was opened is what is asked.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_regular(os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def open_named(path: Path) -> BufferedReader:
    """As :func:`open_regular`, or a descriptor of this process, or the null device.

    Raises:
        OSError: It is something else, not there, or cannot be opened.
    """
    held = held_descriptor(path)
    # A file's descriptor may stand anywhere in it: the file is opened anew.
    if held is not None and not stat.S_ISREG(os.fstat(held).st_mode):
        return os.fdopen(os.dup(held), "rb")
    return path.open("rb") if os.fspath(path) == os.devnull else open_regular(path)


def read_named(path: Path, max_bytes: int) -> bytes:
    """All that :func:`open_named` gives.

    Raises:
        OSError: As there, or it is longer than that.
    """
    with open_named(path) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(errno.EFBIG, f"longer than {max_bytes:,} bytes")
    return data


def append_named(path: Path) -> BufferedWriter:
    """A file that is written on at its end, or made; or a descriptor of this process.

    Raises:
        OSError: A named pipe, a socket or a device is there, or it cannot be opened.
    """
    held = held_descriptor(path)
    if held is not None and not stat.S_ISREG(os.fstat(held).st_mode):
        return os.fdopen(os.dup(held), "ab")
    if os.fspath(path) != os.devnull:
        refuse_special(path)
    return path.open("ab")


def held_descriptor(path: Path) -> int | None:
    """The number of this process's descriptor that ``/dev/fd/N`` and its like name; else None."""
    folders = {"/dev/fd", os.path.realpath("/proc/self/fd"), os.path.realpath("/dev/fd")}
    folders.add(os.path.realpath("/proc/thread-self/fd"))
    place = os.path.abspath(path)  # noqa: PTH100 - a link's target is looked at one by one
    for _ in range(_MOST_LINKS):
        folder, name = os.path.split(place)
        if os.path.realpath(folder) in folders and name.isascii() and name.isdigit():
            return int(name)
        try:
            place = os.path.join(folder, os.readlink(place))  # noqa: PTH115, PTH118
        except (OSError, ValueError):
            return None
    return None


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{_kind(mode)}, not a file")
