"""Several files in one word: ``shards/{000..009}.tar``, ``train-*.parquet``."""

from __future__ import annotations

import glob
import itertools
import re
from pathlib import Path

from featrank.errors import InputError
from featrank.registry import is_wildcard
from featrank.storage.named_files import no_file

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_MOST = 100_000


def expand_files(spec: str) -> list[Path]:
    """The files that a word with braces and wildcards means, in order, each once.

    ``{000..009}`` counts with that many digits, ``{a,b}`` lists, ``*``, ``?`` and ``[...]`` match
    what is there. A file whose own name is the word is that file.

    Raises:
        InputError: A file is missing, or a wildcard matches none.
    """
    whole = Path(spec).expanduser()
    if whole.is_file():
        return [whole]
    found: dict[Path, None] = {}
    for word in _expand_braces(spec):
        path = Path(word).expanduser()
        if path.is_file():
            found[path] = None
            continue
        matches = sorted(glob.glob(str(path))) if is_wildcard(word) else []  # noqa: PTH207
        if not matches:
            raise InputError(
                f"{no_file(path)}: '{word}'",
                f"check the path; a relative one starts at {Path.cwd()}",
            )
        for match in map(Path, matches):
            if reason := no_file(match):
                raise InputError(f"{reason}: '{match}'", "write a pattern that leaves it out")
            found[match] = None
    return list(found)


def _expand_braces(spec: str) -> list[str]:
    parts: list[list[str]] = []
    position = n_words = 0
    for match in _BRACES.finditer(spec):
        choices = _choices(match)
        n_words = max(n_words, 1) * len(choices)
        if n_words > _MOST:
            raise InputError(f"'{spec}' means more than {_MOST:,} files", "check the range")
        parts += [[spec[position : match.start()]], choices]
        position = match.end()
    return ["".join(words) for words in itertools.product(*parts, [spec[position:]])]


def _choices(match: re.Match[str]) -> list[str]:
    """What one pair of braces stands for; braces that say nothing stand for themselves."""
    if counted := _RANGE.fullmatch(match[1]):
        first, last = int(counted[1]), int(counted[2])
        if last - first >= _MOST:
            raise InputError(f"'{match[0]}' counts to more than {_MOST:,}", "check the range")
        return [f"{number:0{len(counted[1])}}" for number in range(first, last + 1)] or [match[0]]
    return match[1].split(",") if "," in match[1] else [match[0]]
