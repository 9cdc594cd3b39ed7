"""A folder of class folders: ``DIR/cat/1.jpg``, or ``DIR/train/cat/1.jpg`` with splits.

A class is a folder; its images lie at any depth below it. Hidden files and folders, and files
whose suffix is not an image's, are no part of the target. Links are followed inside the folder
and never out of it, so that what is scored is what the folder holds.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.storage.file_hashes import FileHashes
from featrank.targets._file_names import printable
from featrank.targets._file_reader import FileReader
from featrank.targets._folder_layout import (
    deeper_classes,
    find_splits,
    is_folder,
    is_system_folder,
    is_unlabelled_folder,
    step_into,
)
from featrank.targets._plugin_formats import HEAD_BYTES
from featrank.targets._reach import hash_listed, read_listed, refuse_unreachable, retried
from featrank.targets._recognise import SNIFFED_BYTES, by_content, by_name, masks
from featrank.targets._selection import canonical
from featrank.targets._splits import choose_split
from featrank.targets._target import MASK, NO_LABEL, Access, Sample, Target

_Identity = tuple[int, int]

_LINK_OUT = "link out of the folder"
_LOOSE = "not inside a class folder"


@dataclass(frozen=True)
class FolderReader(FileReader):
    """Reads a sample's image.

    Attributes:
        root: The folder that the samples' paths start from.
        renamed: Real names of the files whose names are not UTF-8, by the path that shows them.
    """

    root: Path
    renamed: Mapping[str, str]

    def head(self, sample: Sample) -> bytes:
        """Its file's first bytes; empty where they cannot be read."""
        try:
            with self._file(sample).open("rb") as stream:
                return stream.read(HEAD_BYTES)
        except OSError:
            return b""

    def encoded(self, sample: Sample) -> bytes:
        """Its file's bytes, if it is still the file that was listed.

        Raises:
            IncompleteError: It cannot be read, or has changed.
        """
        return read_listed(self._file(sample).read_bytes, sample.path, sample.digest)

    def _file(self, sample: Sample) -> Path:
        return self.root / self.renamed.get(sample.path, sample.path)


@dataclass
class _Listing:
    """What a walk over class folders finds.

    Attributes:
        root: The resolved folder, which no link may leave.
        images: Files and their classes.
        skipped: Images and folders that cannot be used.
        n_other: How many files have no image suffix.
        system: Folders that belong to the system, which are left out.
        met: The class folders.
        follow: Whether links out of the root are followed.
    """

    root: Path
    images: dict[Path, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    n_other: int = 0
    system: list[str] = field(default_factory=list)
    met: list[str] = field(default_factory=list)
    follow: bool = False

    def add_classes(self, base: Path, depth: int = 1) -> None:
        """List the class folders that lie so deep in ``base``; masks join the skipped."""
        self._add_folders(base, depth)
        for file in masks(self.images):
            del self.images[file]
            self.skip(file, MASK)

    def _add_folders(self, base: Path, depth: int) -> None:
        above = {_identity(folder) for folder in (self.root, base)}
        for entry, leads_on in self._usable(base):
            if leads_on and depth > 1:
                self._add_folders(entry, depth - 1)
            elif leads_on:
                self._add_class(entry, above)
            elif self._is_image(entry):
                self.skip(entry, _LOOSE)

    def _add_class(self, folder: Path, above: set[_Identity]) -> None:
        class_name = printable(folder.name)
        unlabelled = is_unlabelled_folder(folder.name)
        if not unlabelled:
            self.met.append(class_name)
        seen = set(above)
        pending = [folder]
        while pending:
            folder = pending.pop()
            try:
                identity = _identity(folder)
            except OSError as error:
                refuse_unreachable(printable(str(folder)), error, self.root)
                self.skip(folder, f"cannot be listed: {error.strerror}")
                continue
            if identity in seen:
                self.skip(folder, "link to a folder that is read already")
                continue
            seen.add(identity)
            for entry, leads_on in self._usable(folder):
                if leads_on:
                    pending.append(entry)
                elif not self._is_image(entry):
                    continue
                elif unlabelled:
                    self.skip(entry, NO_LABEL)
                else:
                    self.images[entry] = class_name

    def _is_image(self, file: Path) -> bool:
        """Whether it is one that is read; one of another kind is skipped with the reason."""
        said = by_name(file.name)
        if said is None:
            try:
                said = by_content(retried(lambda: _start_of(file)))
            except OSError as error:
                refuse_unreachable(printable(str(file)), error, self.root)
                said = f"cannot be read: {error.strerror}"
        if said == "other":
            self.n_other += 1
        elif said != "image":
            self.skip(file, said)
        return said == "image"

    def _usable(self, folder: Path) -> Iterator[tuple[Path, bool]]:
        """The visible entries that may be used, and whether each is a folder."""
        try:
            entries = retried(lambda: _scanned(folder))
        except OSError as error:
            refuse_unreachable(printable(str(folder)), error, self.root)
            self.skip(folder, f"cannot be listed: {error.strerror}")
            return
        for entry in entries:
            path = Path(entry.path)
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                problem = self._link_problem(path)
                if problem:
                    self.skip(path, problem)
                    continue
            leads_on = entry.is_dir()
            if leads_on and is_system_folder(entry.name):
                self.system.append(printable(path.relative_to(self.root).as_posix()))
            elif leads_on or entry.is_file():
                yield path, leads_on
            elif by_name(entry.name) == "image":
                self.skip(path, "not a regular file")

    def _link_problem(self, link: Path) -> str:
        try:
            end = link.resolve(strict=True)
        except (OSError, RuntimeError):  # a loop is a RuntimeError before Python 3.13
            return "broken link"
        return "" if self.follow or end.is_relative_to(self.root) else _LINK_OUT

    def skip(self, path: Path, reason: str) -> None:
        """Note why something is left out."""
        self.skipped.append(Skipped(printable(path.relative_to(self.root).as_posix()), reason))


def _start_of(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(SNIFFED_BYTES)


def _identity(folder: Path) -> _Identity:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _scanned(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as scan:
        return sorted(scan, key=lambda entry: entry.name)


def _refuse_unusable(spec: str, listing: _Listing, samples: Sequence[Sample], depth: int) -> None:
    """Explain a folder with fewer than two classes.

    Raises:
        InputError: It has fewer than two.
    """
    classes = {sample.class_name for sample in samples}
    if len(classes) >= 2:
        return
    if classes:
        raise InputError(
            f"only one class in '{spec}': '{classes.pop()}'",
            "scores compare classes: add a folder for each other class, or name the folder above",
        )
    loose = sum(item.reason == _LOOSE for item in listing.skipped)
    if loose:
        raise InputError(
            f"'{spec}' holds {loose} images but no class folders with images",
            "put each class into a folder of its own, such as cat/1.jpg and dog/1.jpg"
            if depth == 1
            else f"say where the class folders lie: --class-depth {depth - 1}",
        )
    if listing.skipped:
        first = listing.skipped[0]
        raise InputError(
            f"no usable image in '{spec}': {len(listing.skipped)} skipped, "
            f"the first '{first.path}' ({first.reason})",
            "follow the links: --follow-links"
            if first.reason == _LINK_OUT
            else "mend or replace them",
        )
    if listing.n_other:
        raise InputError(
            f"no images in '{spec}': none of its {listing.n_other} files is an image",
            "give a folder of class folders with images, such as cat/1.jpg",
        )
    raise InputError(
        f"the folder '{spec}' is empty", "give a folder of class folders, such as cat/1.jpg"
    )


def _resolve(spec: str) -> Path:
    """The folder that is meant.

    Raises:
        InputError: There is none.
    """
    path = Path(spec).expanduser()
    if is_folder(path):
        return path.resolve()
    raise InputError(
        f"'{printable(spec)}' is a file, not a folder"
        if os.path.lexists(path)
        else f"no such folder: '{printable(spec)}'",
        f"check the path; a relative one starts at {printable(str(Path.cwd()))}",
    )


@dataclass(frozen=True)
class ImageFolder:
    """``--dataset DIR``."""

    name: str = "image_folder"
    reads: str = "a folder of class folders"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """A folder, or what can only be meant as a path."""
        return bool(spec) and (os.sep in spec or spec == "~" or is_folder(Path(spec)))

    def open(self, spec: str, access: Access) -> Target:
        """List and hash the images of one split.

        Raises:
            InputError: There is no such folder or split, or fewer than two classes in it.
        """
        return open_folder(_resolve(spec), printable(spec), access)


def open_folder(root: Path, shown: str, access: Access) -> Target:
    """The target that a folder is, whatever it is called.

    Args:
        root: The folder, resolved.
        shown: The target's name.
        access: What else the user asked for.

    Raises:
        InputError: There is no such split, or fewer than two classes in it.
    """
    top = step_into(root)
    splits = find_splits(top, access.layout, shown)
    split = choose_split(shown, splits, access.split)
    base = top if split is None else top / split
    if not base.resolve().is_relative_to(root):
        raise InputError(
            f"split '{split}' of '{shown}' is a link out of the folder",
            f"name the folder it leads to: --dataset {printable(str(base.resolve()))}",
        )
    if split is not None:
        base = step_into(base)
    listing = _Listing(root, follow=access.follow_links)
    depth = access.class_depth or 1
    listing.add_classes(base, depth)
    _refuse_linked_classes(listing, base)
    samples, reader = _hash(listing, access.hashes)
    _refuse_unusable(shown, listing, samples, depth)
    skipped = tuple(sorted(listing.skipped, key=lambda item: item.path))
    present = {sample.class_name for sample in samples}
    surprises = [*_surprises(listing, base, root / (split or ""), present)]
    if access.class_depth is None:
        surprises += deeper_classes([file.relative_to(base).parts for file in listing.images])
    return Target(shown, split, canonical(samples), reader, skipped, splits, tuple(surprises))


def _refuse_linked_classes(listing: _Listing, base: Path) -> None:
    """A whole class must not be missing for being somewhere else.

    Raises:
        InputError: A class folder is a link out of the root.
    """
    for item in listing.skipped:
        link = listing.root / item.path
        if item.reason == _LINK_OUT and link.parent == base and is_folder(link):
            raise InputError(
                f"the class folder '{item.path}' is a link out of the folder",
                "follow such links with --follow-links, or remove it",
            )


def _surprises(
    listing: _Listing, base: Path, expected: Path, present: Collection[str]
) -> Iterator[str]:
    """What a user may not expect of how the folder was read."""
    if base != expected:
        inner = printable(base.relative_to(listing.root).as_posix())
        yield f"the classes are the folders of '{inner}': the folder above it holds nothing else"
    if listing.system:
        count = f"{len(listing.system)} folder{'s' * (len(listing.system) > 1)}"
        yield f"{count} of the system left out, first '{listing.system[0]}'"
    links = [item.path for item in listing.skipped if item.reason == _LINK_OUT]
    if links:
        count = f"{len(links)} link{'s' * (len(links) > 1)}"
        yield f"{count} out of the folder not followed, first '{links[0]}': see --follow-links"
    if lost := [name for name in dict.fromkeys(listing.met) if name not in present]:
        named = ", ".join(f"'{name}'" for name in lost[:5]) + (", …" if len(lost) > 5 else "")
        yield f"no usable image in the class {'folder' if len(lost) == 1 else 'folders'} {named}"


def _hash(listing: _Listing, hashes: FileHashes) -> tuple[list[Sample], FolderReader]:
    """Samples of the files that can be read; the others join the skipped."""
    samples: dict[str, Sample] = {}
    renamed: dict[str, str] = {}
    for file, digest in hash_listed(hashes, listing.images).items():
        name = file.relative_to(listing.root).as_posix()
        path = printable(name)
        if isinstance(digest, OSError):
            refuse_unreachable(path, digest, listing.root)
            listing.skip(file, f"cannot be read: {digest.strerror}")
        elif path in samples:
            listing.skip(file, "its name is not UTF-8 and shows like another file's")
        else:
            samples[path] = Sample(path, listing.images[file], digest)
            if path != name:
                renamed[path] = name
    return list(samples.values()), FolderReader(listing.root, renamed)


TARGET = ImageFolder()
