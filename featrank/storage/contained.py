"""Names and paths that may not lead out of their folder.

A cache, a mirror or a data set's own list may come from somebody else: a name in it is a claim.
What does not hold raises :class:`ClaimError`, and nothing was opened, followed or changed.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

_LONGEST_NAME = 255


class ClaimError(ValueError):
    """A name, size, offset or count that a file states does not hold."""


def plain_name(name: object) -> str:
    """The name of a file in a folder: one component, nothing that leads elsewhere.

    Raises:
        ClaimError: Empty, too long, a path, a step upwards, or with a character no name needs.
    """
    if not isinstance(name, str):
        raise ClaimError(f"a name is text, not {type(name).__name__}")
    if name in ("", ".", ".."):
        raise ClaimError(f"{name!r} is no file name")
    if any(separator in name for separator in "/\\"):
        raise ClaimError(f"{name[:80]!r} is a path, not a file name")
    if not name.isprintable():
        raise ClaimError(f"{name[:80]!r} has a character that no file name needs")
    if len(os.fsencode(name)) > _LONGEST_NAME:
        raise ClaimError(f"a name of {len(name)} characters")
    return name


def relative_name(name: object) -> str:
    """A path with ``/`` below a folder, each of its components a plain name.

    Raises:
        ClaimError: As for :func:`plain_name`.
    """
    if not isinstance(name, str):
        raise ClaimError(f"a name is text, not {type(name).__name__}")
    for component in name.split("/"):
        plain_name(component)
    return name


def contained(root: Path, path: Path) -> Path:
    """A path below a root, none of whose components below the root is a link.

    What is not there yet is no link. The root itself may be one: it is the user's choice.

    Raises:
        ClaimError: It lies elsewhere, or a component is a link.
        OSError: A component cannot be looked at.
    """
    try:
        names = path.relative_to(root).parts
    except ValueError:
        raise ClaimError(f"{path} is not below {root}") from None
    here = root
    for name in names:
        if name == "..":
            raise ClaimError(f"{path} leads out of {root}")
        here = here / name
        try:
            mode = here.lstat().st_mode
        except FileNotFoundError:
            break
        if stat.S_ISLNK(mode):
            raise ClaimError(f"{here} is a link")
    return path


def regular_file(root: Path, path: Path) -> os.stat_result:
    """The status of a contained path that is a file: no folder, link, pipe or device.

    Raises:
        ClaimError: It is something else, or leads out of the root.
        OSError: It is not there, or cannot be looked at.
    """
    status = contained(root, path).lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ClaimError(f"{path.name} is no regular file")
    return status


def sole_file(root: Path, path: Path) -> None:
    """See that a file which is to be written in place is no other file too, by a hard link.

    Raises:
        ClaimError: It has another name, is no regular file, or leads out of the root.
        OSError: It is not there, or cannot be looked at.
    """
    if regular_file(root, path).st_nlink > 1:
        raise ClaimError(f"{path.name} is a hard link: it has another name elsewhere")


def open_file(root: Path, path: Path) -> BufferedReader:
    """A contained regular file, open for reading; a pipe or a device is refused, not waited for.

    Raises:
        ClaimError: It is no regular file, or leads out of the root.
        OSError: It is not there, or cannot be opened.
    """
    regular_file(root, path)
    # It may have been replaced since it was looked at: what was opened is what is asked.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ClaimError(f"{path.name} is no regular file")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def touch(root: Path, path: Path) -> None:
    """Give a contained file the present time, making it where it is not there.

    Raises:
        ClaimError: It is no regular file, or leads out of the root.
        OSError: No permission, or no such folder.
    """
    contained(root, path)
    with suppress(FileNotFoundError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
            path.unlink()  # only this name of it: the file elsewhere keeps its time
    flags = os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ClaimError(f"{path.name} is no regular file")
        os.utime(handle)
    finally:
        os.close(handle)


def resolves_inside(root: Path, path: Path) -> Path:
    """A path that, links followed, stays below the root: for trees in which links are usual.

    Raises:
        ClaimError: It leads out.
    """
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links, a NUL
        inside = False
    if not inside:
        raise ClaimError(f"{path} leads out of {root}")
    return path
