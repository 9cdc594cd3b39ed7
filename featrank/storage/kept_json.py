"""JSON that one run keeps for another: sealed with a checksum, and read as a claim.

A reader states what it expects; size, depth, numbers and the seal are checked before anything is
made of the content.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from featrank.storage.atomic import write_text
from featrank.storage.contained import ClaimError, open_file
from featrank.storage.digest import digest_json

T = TypeVar("T")

SEAL = "checksum"
MAX_BYTES = 256 * 2**20
_MAX_DEPTH = 64
_MAX_DIGITS = 20


def write_kept(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document with its seal, atomically.

    Raises:
        OSError: No room or no permission.
    """
    write_text(path, json.dumps(sealed(document), indent=1) + "\n")


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as JSON gives it back, with the checksum of its content.

    Raises:
        ValueError: It holds NaN or infinity.
    """
    plain = json.loads(json.dumps(document, allow_nan=False))
    return {**plain, SEAL: digest_json(plain)}


def read_kept(root: Path, path: Path, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """A sealed document that is what was written.

    Args:
        root: The folder that it may not lead out of.
        path: The file.
        max_bytes: A longer one is no document of ours.

    Raises:
        ClaimError: No regular file, no such document, or its seal is missing or broken.
        OSError: It is not there, or cannot be read.
    """
    document, sealed = read_perhaps_sealed(root, path, max_bytes)
    if not sealed:
        raise ClaimError("has no checksum")
    return document


def read_perhaps_sealed(
    root: Path, path: Path, max_bytes: int = MAX_BYTES
) -> tuple[dict[str, Any], bool]:
    """A document as :func:`read_kept`, and whether it has a seal: older releases wrote none.

    Raises:
        ClaimError: No regular file, no such document, or its seal is broken.
        OSError: It is not there, or cannot be read.
    """
    with open_file(root, path) as stream:
        document = parse_json(stream.read(max_bytes + 1), max_bytes)
    if not isinstance(document, dict):
        raise ClaimError("is no JSON object")
    seal = take_seal(document)
    if seal is False:
        raise ClaimError("its checksum differs")
    return document, seal is not None


def take_seal(document: dict[str, Any]) -> bool | None:
    """Whether the checksum, which is taken out, fits the content; None where there is none."""
    seal = document.pop(SEAL, None)
    return None if seal is None else bool(seal == digest_json(document))


def parse_json(data: bytes, max_bytes: int = MAX_BYTES) -> Any:
    """What JSON says, in bounded time and memory; every number is finite.

    Raises:
        ClaimError: Not JSON, too long, too deep, or a number that no computer holds.
    """
    if len(data) > max_bytes:
        raise ClaimError(f"is longer than {max_bytes:,} bytes")
    try:
        # Not msgspec: it refuses the half characters that names of files may hold.
        document = json.loads(data, parse_int=_integer, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ClaimError("is nested too deeply") from None
    except ValueError as error:
        raise ClaimError(f"is not JSON: {error}") from None
    _check_depth(document)
    return document


def typed(document: object, shape: type[T]) -> T:
    """A document as records of a shape, every field of the type that it declares.

    Raises:
        ClaimError: A field is missing, unknown or of another type.
    """
    try:
        return msgspec.convert(document, shape, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise ClaimError(str(error)) from None


def _integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is no finite number")
    return value


def _check_depth(document: object) -> None:
    level, depth = [document], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            raise ClaimError("is nested too deeply")
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
        level = below
