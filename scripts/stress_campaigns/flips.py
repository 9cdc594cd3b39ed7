"""Flipped bits in every kind of kept file: never silently other numbers."""

from __future__ import annotations

import os
import random
from pathlib import Path

from stress_campaigns.bench import Bench
from stress_campaigns.figures import Figures
from stress_campaigns.kept_files import KINDS, read_again


def run(count: int, rng: random.Random, bench: Bench) -> Figures:
    """Flip a bit, read, put back; the kinds take turns."""
    figures = Figures()
    kept, _ = bench.reference
    kept.restore()
    rights = {
        name: kind.said(bench.run(*kind.command(bench)).out)
        for name, kind in KINDS.items()
    }  # fmt: skip
    first = rng.randrange(len(KINDS))
    for number in range(count):
        name = list(KINDS)[(first + number) % len(KINDS)]
        kind = KINDS[name]
        kept.restore()
        if name == "file hashes":  # what it says of the parts holds only for these very files
            bench.run(*bench.rank)
        path = rng.choice(kind.paths(bench))
        where = flip(path, rng)
        outcome, wrong = read_again(bench, kind, rights[name])
        figures.count(f"{name}: {outcome}")
        if wrong:
            figures.fault(f"flips: {where}: {wrong}")
    kept.restore()
    return figures


def flip(path: Path, rng: random.Random) -> str:
    """Flip one bit of a file; now and then its time stays, as where a disk forgets."""
    content = bytearray(path.read_bytes())
    at, bit = rng.randrange(len(content)), rng.randrange(8)
    content[at] ^= 1 << bit
    when = path.stat().st_mtime_ns
    path.write_bytes(content)
    if rng.random() < 0.5:
        os.utime(path, ns=(when, when))
    return f"{path.name}, bit {bit} of byte {at}"
