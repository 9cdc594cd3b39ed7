"""Errors that pass: images out of reach for a while, and calls that the system refuses once."""

from __future__ import annotations

import errno
import os
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stress_campaigns.bench import Bench, numbers
from stress_campaigns.figures import Figures

_ERRORS = (
    errno.EIO,
    errno.ESTALE,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EMFILE,
    errno.ENOMEM,
    errno.ETIMEDOUT,
    errno.EROFS,
    errno.EINTR,
    errno.EBUSY,
    errno.ENOTCONN,
    errno.ENOLCK,
)
_CALLS = frozenset(
    {
        "open",
        "os.rename",
        "os.remove",
        "os.mkdir",
        "os.listdir",
        "os.scandir",
        "os.utime",
        "os.chmod",
        "sqlite3.connect",
        "fcntl.flock",
    }
)


def run(count: int, rng: random.Random, bench: Bench) -> Figures:
    """Refuse some calls of a run; the next run must not hold it against any image."""
    figures = Figures()
    kept, right = bench.reference
    for _ in range(count):
        kept.restore()
        if cold := rng.random() < 0.7:
            shutil.rmtree(bench.cache / "features")
        number = rng.choice(_ERRORS)
        where = rng.choice([bench.place / "images", bench.cache, bench.place])
        first, length = rng.randrange(1, 200 if cold else 60), rng.choice((1, 1, 1, 4, 1000))
        what = f"{errno.errorcode[number]} at calls {first} to {first + length - 1} in {where.name}"
        before = _refuse(str(where), number, range(first, first + length))
        disturbed = bench.run(*bench.rank, before=before)
        figures.count(f"disturbed: exit {disturbed.code}")
        if disturbed.wrong:
            figures.fault(f"transients: {what}: {disturbed.wrong}")
        elif disturbed.code == 0 and numbers(disturbed.out) != right:
            # A run that says which images it did without has told the truth.
            said = "skipped" in disturbed.out and '"reason"' in disturbed.out
            figures.count(
                "disturbed: images skipped and said" if said else "disturbed: other numbers"
            )
            if not said:
                figures.fault(f"transients: {what}: other numbers, said {disturbed.err[-200:]!r}")
        again = bench.run(*bench.rank)
        if again.wrong or again.code or numbers(again.out) != right:
            figures.fault(
                f"transients: {what}: kept for good: exit {again.code} {again.err[-300:]!r}"
            )
        verified = bench.run("cache", "verify")
        if verified.code:
            figures.fault(
                f"transients: {what}: cache verify: {verified.out} {verified.err[-200:]!r}"
            )
    kept.restore()
    return figures


def _refuse(where: str, number: int, which: range) -> Callable[[], None]:
    """A hook for the run's own process that refuses some of its calls below a folder."""
    here = Path(where)

    def install() -> None:
        n = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal n
            if event not in _CALLS or not arguments:
                return
            path = arguments[0]
            if isinstance(path, bytes):
                path = os.fsdecode(path)
            if event == "fcntl.flock" or (isinstance(path, str | Path) and _below(path, here)):
                n += 1
                if n in which:
                    raise OSError(number, os.strerror(number), str(path))

        sys.addaudithook(hook)

    return install


def _below(path: str | Path, folder: Path) -> bool:
    return str(path).startswith(str(folder))
