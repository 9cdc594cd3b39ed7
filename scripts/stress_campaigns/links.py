"""Links, pipes and devices where the cache has files and folders: not followed, not waited for."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from stress_campaigns.bench import Bench, numbers
from stress_campaigns.figures import Figures
from stress_campaigns.watch import difference, listing, walk

_SIDE_FILES = (
    "leases/guard.lock", "leases/other.lock", "leases/other.json", "file-hashes.sqlite",
    "file-hashes.sqlite-journal", "file-hashes.sqlite-wal", "damaged", "locks", "leases",
)  # fmt: skip


def run(count: int, rng: random.Random, bench: Bench) -> Figures:
    """Plant one to three, run every command on the cache, see that nothing outside changed."""
    figures = Figures()
    kept, right = bench.reference
    victims = bench.place / "behind"
    for _ in range(count):
        kept.restore()
        shutil.rmtree(victims, ignore_errors=True)
        victims.mkdir()
        planted = [
            _plant(rng, bench.cache, victims / str(i)) for i in range(rng.choice((1, 1, 2, 3)))
        ]
        what = "; ".join(text for text in planted if text)
        before = listing(victims)
        refresh = ("--cache", "refresh") if rng.random() < 0.3 else ()
        commands = [
            (*bench.rank, *refresh), ("cache", "list"), ("cache", "verify"), bench.rank,
            ("cache", "prune", "--older-than", "0s"),
        ]  # fmt: skip
        for command in commands:
            ended = bench.run(*command, limit=60)
            if ended.wrong:
                figures.fault(f"links: {what}: featrank {command[0]}: {ended.wrong}")
            if command[0] == "rank":
                figures.count("the same numbers" if ended.code == 0 else "refused")
                if ended.code == 0 and numbers(ended.out) != right:
                    figures.fault(f"links: {what}: other numbers")
        if touched := difference(before, listing(victims)):
            figures.fault(f"links: {what}: touched outside: {touched}")
    kept.restore()
    return figures


def _plant(rng: random.Random, cache: Path, victim: Path) -> str:
    """Put a link or a special file in the place of something; what it hid goes outside."""
    choices = sorted(walk(cache)) + [cache / name for name in _SIDE_FILES]
    path = rng.choice(choices)
    if any(parent.is_symlink() for parent in path.parents) or not path.parent.is_dir():
        return ""
    there = os.path.lexists(path)
    kind = rng.choice(["link", "link", "dangling", "circle", "fifo", "device", "folder"])
    if there:
        path.rename(victim)
    elif kind == "link":
        victim.write_text("precious")
    match kind:
        case "link":
            path.symlink_to(victim)
        case "dangling":
            path.symlink_to(victim.with_name(f"{victim.name} made"))
        case "circle":
            path.symlink_to(path.name)
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            path.mkdir()
    return f"{kind} at {path.relative_to(cache)}"
