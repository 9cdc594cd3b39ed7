"""What is not of our shape: said, and moved where nothing reads it.

Only names are moved, never what a link leads to.
"""

from __future__ import annotations

import itertools
import logging
from pathlib import Path

from featrank.storage.contained import ClaimError, contained

log = logging.getLogger("featrank")

_FOLDER = "damaged"


def set_aside(root: Path, path: Path) -> bool:
    """Move a file, folder or link below a root into the root's folder for damaged ones.

    Returns:
        Whether it was moved: what has vanished by then is left alone.

    Raises:
        ClaimError: A folder above it, or the one for damaged files, leads out of the root.
        OSError: It cannot be moved.
    """
    contained(root, path.parent)
    place = root / _FOLDER / path.parent.relative_to(root)
    contained(root, place).mkdir(parents=True, exist_ok=True)
    names = (f"{path.name}.{n}" if n else path.name for n in itertools.count())
    # Not exists(): a dangling link is there too.
    free = next(place / name for name in names if not _is_there(place / name))
    try:
        path.rename(free)
    except FileNotFoundError:
        return False
    return True


def put_away(root: Path, path: Path, reason: object) -> None:
    """Set a kept file aside, and say what came of it.

    For what only saves time: it is made anew either way.
    """
    try:
        moved = set_aside(root, path)
    except (OSError, ClaimError) as error:
        log.warning(
            "warning: damaged cache file %s, which could not be set aside (%s): %s",
            path.name,
            error,
            reason,
        )
    else:
        log.warning("warning: %s: %s: %s", said_of(moved), path.name, reason)


def said_of(moved: bool) -> str:
    """What happened to a damaged file: nothing, where it had vanished by then."""
    return "damaged cache file set aside" if moved else "damaged cache file, gone by now"


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True
