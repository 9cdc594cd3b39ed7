"""An archive of an image folder, read as that folder would be.

What a folder means (splits, class depth, masks, the system's folders, links) is decided in one
place, which walks a file system. So the names of an archive are laid out in a temporary folder:
each file empty but for the first bytes, where those tell what it is. Contents stay where they are.
"""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.storage.file_hashes import FileHashes
from featrank.storage.refusals import NO_ROOM, way_out
from featrank.storage.temporary import TemporaryFolder
from featrank.targets._file_names import printable
from featrank.targets._members import Member
from featrank.targets._recognise import by_name
from featrank.targets._spans import Content, SpanReader
from featrank.targets._target import Access, Target
from featrank.targets.image_folder import open_folder

_TWICE = "another member of this name comes after it"
_BLOCKED = "a folder of the archive and a file have its name"


def open_as_folder(shown: str, members: Iterable[Member], access: Access) -> Target:
    """The target that the unpacked folder would be; links that lead out are never followed.

    Args:
        shown: The archive, as the user named it.
        members: All that it holds; of two of one name the later counts.
        access: What else the user asked for.

    Raises:
        InputError: There is no such split, or fewer than two classes.
    """
    with TemporaryFolder() as folder:
        root = folder.resolve() / "root"
        root.mkdir()
        skipped: list[Skipped] = []
        laid_out = _lay_out(root, members, skipped)
        hashes = _MemberHashes(laid_out)
        inside = dataclasses.replace(access, hashes=hashes, follow_links=False)
        try:
            target = open_folder(root, shown, inside)
        except InputError as error:
            raise _with_way_out(error, laid_out.values()) from error
    reader = SpanReader(hashes.contents)
    reasons = sorted([*target.skipped, *skipped], key=lambda item: item.path)
    return dataclasses.replace(target, read=reader, skipped=tuple(reasons))


# What may tell the labels, or hold the images, of an archive that is no set of class folders.
_TABLES = (".csv", ".tsv", ".parquet", ".arrow", ".jsonl", ".json", ".npz", ".xlsx")
_ARCHIVES = (".tar", ".tgz", ".zip", ".7z", ".rar", ".gz", ".xz", ".bz2")


def _with_way_out(error: InputError, members: Iterable[Member]) -> InputError:
    """A refusal, with what else the archive holds that the set may be made of."""
    names = sorted(member.name for member in members)
    for suffixes, advice in (
        (_TABLES, "it holds a table: unpack it, and name '{}' in it"),
        (_ARCHIVES, "it holds archives: unpack it, and name '{}' in it"),
    ):
        found = [name for name in names if name.lower().endswith(suffixes)]
        if found:
            first = printable(min(found, key=lambda name: (name.count("/"), name)))
            return InputError(error.message, f"{error.hint}; {advice.format(first)}")
    return error


class _MemberHashes(FileHashes):
    """Hashes of what the laid out names stand for."""

    def __init__(self, members: Mapping[Path, Member]) -> None:
        super().__init__()
        self._members = members
        self.contents: dict[str, Content] = {}

    def get_many(self, paths: Iterable[Path]) -> dict[Path, str | OSError]:
        """SHA-256 of each member, or the error that reading it gave."""
        found: dict[Path, str | OSError] = {}
        for path in paths:
            member = self._members[path.resolve()]  # a link inside the archive has led here
            try:
                digest = found[path] = member.hash()
            except OSError as error:
                found[path] = error
            else:
                if member.content is not None:
                    self.contents.setdefault(digest, member.content)
        return found


def _lay_out(root: Path, members: Iterable[Member], skipped: list[Skipped]) -> dict[Path, Member]:
    """Make the names; what cannot be made joins the skipped.

    Raises:
        InputError: There is no room for them.
    """
    by_member_name: dict[str, Member] = {}
    for member in members:
        earlier = by_member_name.pop(member.name, None)
        if earlier is not None and earlier.is_image:
            skipped.append(Skipped(printable(earlier.name), _TWICE))
        by_member_name[member.name] = member
    laid_out: dict[Path, Member] = {}
    # Links last: nothing is written through one.
    for member in sorted(by_member_name.values(), key=lambda member: bool(member.link)):
        path = root / member.name
        problem = member.problem or _make(root, path, member)
        if not problem:
            laid_out[path] = member
        elif member.is_image or (member.link and by_name(member.name) is None):
            skipped.append(Skipped(printable(member.name), problem))
    return laid_out


def _make(root: Path, path: Path, member: Member) -> str:
    """Make one name; the reason where it cannot be."""
    try:
        (path if member.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        if member.is_folder:
            return ""
        if not member.link:
            with path.open("xb") as stream:
                stream.write(member.start)
        elif _leads_out(member):
            return "link out of the archive"
        else:
            path.symlink_to(member.link)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return _BLOCKED
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else errno.EINVAL
        if number in NO_ROOM:
            raise InputError(
                f"no room in {root.parent.parent} for the names of an archive",
                way_out(OSError(number, ""), "name a larger folder: TMPDIR=DIR"),
            ) from error
        return f"no file can have this name: {os.strerror(number or errno.EINVAL)}"
    return ""


def _leads_out(member: Member) -> bool:
    """By names alone; where links lead through links, the walk over the folder looks again."""
    end = os.path.normpath(PurePosixPath(member.name).parent / member.link)
    return end.startswith(("/", "../")) or end == ".."
