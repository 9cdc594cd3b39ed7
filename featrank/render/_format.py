"""What a file format declares about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from featrank.registry import Registry, guarded

if TYPE_CHECKING:
    # It imports NumPy, which --help does without.
    from featrank.results.structs import Document


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a result; a file of this folder declares one as ``FORMAT``.

    Attributes:
        name: What ``--format`` calls it, and the suffix of its files without the dot.
        render: A result as the content of a file.
        prints: Whether it can go to stdout.
    """

    name: str
    render: Callable[[Document], bytes]
    prints: bool = True

    @property
    def suffix(self) -> str:
        return f".{self.name}"


def admit(declared: Any, origin: str) -> Format:
    """A format as another package declares it; where it fails, the message names that package.

    Raises:
        TypeError: It is no format.
    """
    if not isinstance(declared, Format) or not isinstance(declared.name, str):
        raise TypeError(f"{declared!r} is no Format")
    render = declared.render

    def whole(document: Document) -> bytes:
        content = render(document)
        if not isinstance(content, bytes):
            raise TypeError(f"a format gives bytes, not {type(content).__name__}")
        return content

    return replace(declared, render=guarded(whole, f"the format '{declared.name}' of {origin}"))


FORMATS: Registry[Format] = Registry("featrank.render", "FORMAT", "format", admit=admit)
