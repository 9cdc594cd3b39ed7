"""Which file a path in a table means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from featrank.errors import InputError
from featrank.targets._file_names import printable

# What a tool for annotation writes before the paths of files on a disk that it was given.
_TOOLS = re.compile(r"^/?data/local-files/\?d=")
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]{1,9}://", re.IGNORECASE)


@dataclass
class ListedPaths:
    """Finds the files that paths mean.

    Attributes:
        spec: The table, for messages.
        base: The folder of the table, resolved.
        root: The folder that no path may leave, resolved; relative paths may start at it, too.
        suffix: What paths lack at their end.
        n_slashed: How many paths were read with slashes for backslashes.
        n_tools: How many had a tool's prefix taken off.
    """

    spec: str
    base: Path
    root: Path
    suffix: str = ""
    n_slashed: int = 0
    n_tools: int = 0
    _met: set[Path] = field(default_factory=set)

    def is_there(self, text: str) -> bool:
        """Whether a text is the path of a file."""
        return (
            bool(text)
            and "\0" not in text
            and any(self._exists(path) for _, path in self._candidates(text))
        )

    def find(self, text: str, number: int) -> Path:
        """The file, by its name alone; where none is there, the one that would be.

        Raises:
            InputError: The name leads out of the root, or means two files.
        """
        if "\0" in text:
            raise InputError(f"row {number} of '{self.spec}': a path holds a zero byte")
        inside = [(how, path) for how, path in self._candidates(text) if self._is_inside(path)]
        if not inside:
            raise InputError(
                f"row {number} of '{self.spec}': the path '{printable(text)}' leads out of"
                f" {printable(str(self.root))}",
                "mend the table, or name the folder that holds all its files: --root DIR",
            )
        there = [(how, path) for how, path in inside if self._exists(path)]
        how, path = (there or inside)[0]
        alike = [other for also, other in there[1:] if also == how and other != path]
        if alike and not path.samefile(alike[0]):
            raise InputError(
                f"row {number} of '{self.spec}': '{printable(text)}' is both"
                f" {printable(str(path))} and {printable(str(alike[0]))}",
                "start the paths in the table at the folder that --root names, or leave it out",
            )
        if there:
            self.n_slashed += how == "slashes"
            self.n_tools += how == "tool"
        return path

    def warnings(self) -> Iterator[str]:
        """How paths were read that are not there as they are written."""
        if self.n_slashed:
            yield f"{_paths(self.n_slashed)} of '{self.spec}' read with / for \\"
        if self.n_tools:
            yield f"{_paths(self.n_tools)} of '{self.spec}' read without the prefix of a tool"

    def _candidates(self, text: str) -> Iterator[tuple[str, Path]]:
        """The paths that a text may be, in order, with how it was read."""
        for how, spelling in self._spellings(text):
            for start in dict.fromkeys((self.base, self.root)):
                # Not resolved: a link is judged when it is met, but `..` must not be hidden
                # behind one.
                path = Path(os.path.normpath(start / spelling))
                yield how, path
                if path.is_absolute() and Path(spelling).is_absolute():
                    break

    def _spellings(self, text: str) -> Iterator[tuple[str, str]]:
        plain = [text] if text.strip() == text else [text, text.strip()]
        for spelling in plain:
            if self.suffix and not spelling.lower().endswith(self.suffix.lower()):
                yield "", spelling + self.suffix
            yield "", spelling
            if "\\" in spelling:
                yield "slashes", spelling.replace("\\", "/")
            if _TOOLS.match(spelling):
                yield "tool", unquote(_TOOLS.sub("", spelling))

    def _is_inside(self, path: Path) -> bool:
        return path != self.root and path.is_relative_to(self.root)

    def _exists(self, path: Path) -> bool:
        if path in self._met:
            return True
        if self._is_inside(path) and os.path.lexists(path):
            self._met.add(path)
            return True
        return False


def is_address(text: str) -> bool:
    """Whether a path is an address on a network."""
    return bool(_ADDRESS.match(text.strip()))


def _paths(count: int) -> str:
    return f"{count} path{'s' * (count > 1)}"
