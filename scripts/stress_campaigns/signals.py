"""SIGKILL, SIGINT and SIGTERM at random moments: nothing lost, wrong, or left running."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stress_campaigns.bench import Bench, numbers
from stress_campaigns.figures import Figures

# What a run may take to its end beside any load; on a quiet machine it is 3 s.
_LIMIT_S = 15.0
_CODES = {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130, signal.SIGTERM: 143}
_IN_TURN = (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGTERM)
_VERBS = ("extract", "rank", "rank -o", "score", "prune")


def run(count: int, rng: random.Random, bench: Bench) -> Figures:
    """End runs of every verb, half of them by SIGKILL, and let an undisturbed one follow.

    Args:
        count: How many.
        rng: Chooses verbs, moments and receivers.
        bench: Where.
    """
    figures = Figures()
    kept, right = bench.reference
    file = _features_file(bench)
    seconds = {verb: _undisturbed(verb, bench, file) for verb in _VERBS}
    for n in range(count):
        number = _IN_TURN[n % len(_IN_TURN)]
        verb = rng.choice(_VERBS)
        kept.restore()
        if verb not in ("score", "prune"):
            shutil.rmtree(bench.cache / "features")
        child = bench.start(*_command(verb, bench, file, rng))
        started = _Started(child, number, rng.random() < 0.5, verb)
        _end_one(started, rng.uniform(0, seconds[verb]), bench, figures)
        what = str(started)
        _check_left(what, number, bench, figures)
        again = bench.run(*bench.rank)
        if again.code or numbers(again.out) != right:
            figures.fault(f"{what}: the next run: exit {again.code}, {again.err[-300:]!r}")
    kept.restore()
    return figures


def _command(verb: str, bench: Bench, file: Path, rng: random.Random) -> tuple[str, ...]:
    if verb == "score":
        return ("score", str(file), "--null", "20")
    if verb == "prune":
        return ("cache", "prune", "--model", "*")
    if verb == "extract":
        without = bench.rank.index("--null")
        return ("extract", *bench.rank[1:without], "--quiet")
    workers = ("--workers", str(rng.choice((0, 2))))
    outputs = ("-o", str(bench.result)) if verb == "rank -o" else ()
    return (*bench.rank, *workers, *outputs)


def _undisturbed(verb: str, bench: Bench, file: Path) -> float:
    """Seconds that a verb takes here, now."""
    kept, _ = bench.reference
    kept.restore()
    if verb not in ("score", "prune"):
        shutil.rmtree(bench.cache / "features")
    started = time.monotonic()
    ended = bench.run(*_command(verb, bench, file, random.Random(0)))
    if ended.code:
        raise RuntimeError(f"the undisturbed {verb} failed: {ended}")
    return time.monotonic() - started


@dataclass(frozen=True)
class _Started:
    """A run that is to be ended.

    Attributes:
        process: The leader of its session.
        number: The signal that it will get.
        to_group: Whether all of the session get it.
        verb: What it does.
    """

    process: int
    number: signal.Signals
    to_group: bool
    verb: str

    def __str__(self) -> str:
        receiver = "the group" if self.to_group else "the process"
        return f"{self.number.name} to {receiver} of {self.verb}"


def _end_one(run: _Started, delay: float, bench: Bench, figures: Figures) -> None:
    """Send the signal, and wait for the end of everything."""
    while not (_is_gone(run.process) or _handles_signals(run.process)):
        time.sleep(0.001)
    time.sleep(delay)
    sent = time.monotonic()
    (os.killpg if run.to_group else os.kill)(run.process, run.number)
    ended = bench.wait(run.process, 4 * _LIMIT_S)
    while _session(run.process) and time.monotonic() - sent < 4 * _LIMIT_S:
        time.sleep(0.01)
    took = time.monotonic() - sent
    if ended.code == 0:
        figures.count(f"{run.number.name}: done before")
        return
    figures.count(run.number.name)
    figures.seconds.append(took)
    if ended.code != _CODES[run.number] or "Traceback" in ended.err:
        figures.fault(f"{run}: exit {ended.code}, {ended.err[-300:]!r}")
    if left := _session(run.process):
        figures.fault(f"{run}: left running: {left}")
    elif took > _LIMIT_S:
        figures.fault(f"{run}: took {took:.1f} s")


def _check_left(what: str, number: signal.Signals, bench: Bench, figures: Figures) -> None:
    """Nothing may look damaged, and who could clean up has cleaned up."""
    ended = bench.run("cache", "verify")
    if ended.code:
        figures.fault(f"{what}: verify: exit {ended.code}, {ended.out[-200:]} {ended.err[-200:]}")
    try:
        json.loads(bench.result.read_text())
    except (OSError, ValueError) as error:
        figures.fault(f"{what}: the result: {error}")
    left = [path.name for path in bench.temporary.glob("pymp-*")]
    if number != signal.SIGKILL:
        leases = (bench.cache / "leases").glob("*")
        left += [path.name for path in leases if path.name != "guard.lock"]
        left += [path.name for path in bench.temporary.iterdir()]
        left += [path.name for path in bench.kept.glob(".*.tmp")]
    if left:
        figures.fault(f"{what}: left behind: {left}")
    for path in bench.temporary.iterdir():
        shutil.rmtree(path, ignore_errors=True)


def _features_file(bench: Bench) -> Path:
    path = bench.place / "features.npz"
    if not path.exists():
        rng = np.random.default_rng(0)
        labels = np.arange(2000) % 20
        np.savez(path, features=rng.normal(size=(2000, 256)) + labels[:, None], labels=labels)
    return path


def _handles_signals(process: int) -> bool:
    """Whether the program has said what SIGTERM means to it: before that nobody can clean up."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def _is_gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _session(leader: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = place.joinpath("stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == leader and state != "Z":
            found.append(int(place.name))
    return found
