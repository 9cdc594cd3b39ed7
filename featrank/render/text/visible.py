"""Text from outside made visible, so that nothing in it acts on a terminal, a log or a page."""

from __future__ import annotations

import json
import re

# What runners of CI jobs take for an order: ``##[error]`` or ``##vso[task…]`` anywhere in a line,
# ``::error::`` where nothing but blanks is before it.
_ORDER_IN_BRACKETS = re.compile(r"#(?=#\w*\[)")
_ORDER_AT_START = re.compile(r"^( *):(?=:)")


def shown(text: str) -> str:
    """Text of one line: what is not printable is its escape, ``\\n`` and ``\\udc80`` too."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def talk(text: str) -> str:
    """A line for a terminal or a log: as :func:`shown`, and no runner takes it for an order."""
    return _ORDER_AT_START.sub(r"\1\\x3a", _ORDER_IN_BRACKETS.sub(r"\\x23", shown(text)))


def as_json(document: object) -> str:
    """JSON in ASCII: escapes for all else, which every reader undoes, and nothing to act on.

    Raises:
        ValueError: The document holds NaN or infinity.
    """
    text = json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False)
    return _ORDER_IN_BRACKETS.sub(r"\\u0023", text)
