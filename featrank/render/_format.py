"""What a file format declares about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from featrank.registry import Registry

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


FORMATS: Registry[Format] = Registry("featrank.render", "FORMAT", "format")
