"""Members of an archive, whatever its format: names that stay inside, contents that can be read."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath

from featrank.errors import InputError
from featrank.targets._file_names import printable
from featrank.targets._recognise import by_content, by_name
from featrank.targets._spans import Content

# What is unpacked for good measure, and how much more than is packed: images hardly shrink.
_FREE_BYTES = 1 << 30
_LIKELY_RATIO = 200

_MOST_MEMBERS = 5_000_000


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive.

    Attributes:
        name: Its path inside the archive.
        start: Its first bytes, where the name does not tell what it is.
        content: The whole of it; None for what is no regular file.
        digest: SHA-256 of the content, where reading it once more would cost much.
        link: Where it leads, from its own folder, if it is a link.
        problem: Why it cannot be used; empty where it can.
        is_folder: Whether it is a folder.
    """

    name: str
    start: bytes = b""
    content: Content | None = None
    digest: str = ""
    link: str = ""
    problem: str = ""
    is_folder: bool = False

    @property
    def is_image(self) -> bool:
        """Whether it is an image that is read."""
        return not self.is_folder and looks_like_image(self.name, self.start)

    def hash(self) -> str:
        """SHA-256 of its content.

        Raises:
            OSError: It cannot be read.
        """
        if self.digest or self.content is None:
            return self.digest
        return sha256(self.content.read()).hexdigest()


def looks_like_image(name: str, start: bytes) -> bool:
    """Whether a member is an image, by its name or else by its first bytes."""
    return (by_name(name) or by_content(start)) == "image"


def inner_name(name: str, archive: str) -> str:
    """A member's name without detours.

    Args:
        name: As the archive has it.
        archive: The archive, for messages.

    Raises:
        InputError: It leads out of the archive.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(
            f"the member '{printable(name)}' of '{archive}' leads out of the archive",
            "such an archive may be hostile: make it anew",
        )
    return path.as_posix()


def refuse_bomb(archive: str, n_packed: int, n_unpacked: int) -> None:
    """For an archive that unpacks to far more than images do.

    Raises:
        InputError: It does.
    """
    if n_unpacked > _FREE_BYTES + _LIKELY_RATIO * n_packed:
        raise InputError(
            f"'{archive}' unpacks to {n_unpacked:,} bytes and more, from {n_packed:,}:"
            " no archive of images does",
            "if it is yours, unpack it and name the folder",
        )


def refuse_many(archive: str, n_members: int) -> None:
    """For an archive of more members than an image set has.

    Raises:
        InputError: It has too many.
    """
    if n_members > _MOST_MEMBERS:
        raise InputError(
            f"'{archive}' has more than {_MOST_MEMBERS:,} members", "unpack it and name the folder"
        )
