"""Decoding processes where shared memory, or any file, may hold next to nothing."""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from stress_campaigns.bench import Bench, Ended, numbers
from stress_campaigns.figures import Figures

_MOUNT = 'mount -t tmpfs -o size="$1" tmpfs /dev/shm && shift && exec "$@"'


def run(count: int, rng: random.Random, bench: Bench) -> Figures:
    """Extract with workers under a random limit: the same numbers, or a sentence that says why."""
    figures = Figures()
    kept, right = bench.reference
    can_mount = _can_mount()
    for number in range(count):
        kept.restore()
        shutil.rmtree(bench.cache / "features")
        workers = (
            "--workers",
            str(rng.choice((1, 2, 3))),
            "--batch-size",
            str(rng.choice((4, 20))),
        )
        if can_mount and number % 2 == 0:
            what, ended = "small /dev/shm", _in_namespace(bench, workers, rng)
        else:
            # Files of tmpfs are files: a limit on their size is one on shared memory too.
            size = rng.choice((64, 128, 256)) * 1024
            what = f"files of at most {size} bytes"
            ended = bench.run(*bench.rank, *workers, before=_limit_files(size))
        figures.count(f"{what}: exit {ended.code}")
        if ended.wrong:
            figures.fault(f"shared memory: {what}, {workers}: {ended.wrong}")
        elif ended.code == 0 and numbers(ended.out) != right:
            figures.fault(f"shared memory: {what}, {workers}: other numbers")
    kept.restore()
    return figures


def _limit_files(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _in_namespace(bench: Bench, workers: tuple[str, ...], rng: random.Random) -> Ended:
    """A process of its own with a /dev/shm of its own."""
    program = [sys.executable, "-m", "featrank", *bench.rank, *workers]
    size = rng.choice(("4k", "64k", "1m"))
    try:
        ended = subprocess.run(
            ["unshare", "-rm", "sh", "-c", _MOUNT, "sh", size, *program],
            env=bench.environment, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ended(None, "", "")
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def _can_mount() -> bool:
    if not shutil.which("unshare") or not Path("/dev/shm").is_dir():
        return False
    command = ["unshare", "-rm", "sh", "-c", _MOUNT, "sh", "64k", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
