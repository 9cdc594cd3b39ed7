"""Kill `featrank extract` at random moments and see whether the cache ever lies or loses work.

After each kill `cache verify` must find no damage, whole parts must still be there untouched, and
the run must not have forwarded more than what it added to the cache, plus one part and one batch.
Whenever a run gets to the end undisturbed, the features must equal, to the last bit, those of a
run that was never disturbed; the next rounds then start from an empty cache.

    python scripts/stress_cache.py                    # 40 SIGKILL, then 40 SIGTERM
    python scripts/stress_cache.py --signals TERM --rounds 10
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

# The program itself, except that it notes in a file how many images each forward pass took; the
# first pass of a run only finds out how wide the features are.
PROGRAM = """
import os, sys
from featrank.cli import main
import featrank.extract.forward as forward

log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
run = forward.Backbone.forward

def counted(self, pixels):
    os.write(log, f"{len(pixels)}\\n".encode())
    return run(self, pixels)

forward.Backbone.forward = counted
main()
"""
START_TIMEOUT = 300
TERM_SECONDS = 5.0
TERM_CODE = 128 + signal.SIGTERM


class Breach(Exception):  # noqa: N818 (what the cache promises was broken)
    """A promise of the cache was broken."""


@dataclass(frozen=True)
class Job:
    """What is extracted."""

    dataset: str
    model: str
    part_rows: int
    batch_size: int
    workers: int | None

    def command(self, cache: Path, counts: Path) -> list[str]:
        """The extraction as a command line."""
        workers = [] if self.workers is None else ["--workers", str(self.workers)]
        return [
            *(sys.executable, "-c", PROGRAM, str(counts), "extract"),
            *("--dataset", self.dataset, "--models", self.model, "--cache-dir", str(cache)),
            *("--part-rows", str(self.part_rows), "--batch-size", str(self.batch_size)),
            *workers,
        ]


@dataclass
class Extraction:
    """One run of the program, in a process group of its own."""

    job: Job
    cache: Path
    folder: Path
    process: subprocess.Popen[bytes] = field(init=False)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                self.job.command(self.cache, self.folder / "counts"),
                stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        self.started = time.monotonic()

    @property
    def forwarded(self) -> int:
        """Images that went into the network."""
        path = self.folder / "counts"
        counts = path.read_text().split() if path.exists() else []
        return sum(map(int, counts[1:]))

    @property
    def talk(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def said(self) -> int | None:
        """Images that it says it forwarded; None before it says so, with which it is done."""
        found = re.search(r"^forwarded (\d+) images$", (self.folder / "out").read_text(), re.M)
        return int(found[1]) if found else None

    def wait_for(self, what: Callable[[], bool]) -> bool:
        """Whether it came to that; False where the run ended first."""
        while self.process.poll() is None:
            if what():
                return True
            if time.monotonic() - self.started > START_TIMEOUT:
                raise Breach(f"nothing happened for {START_TIMEOUT} s:\n{self.talk}")
            time.sleep(0.02)
        return what()

    def finish(self) -> int:
        """Let it end by itself; the images that it says it forwarded."""
        code = self.process.wait()
        if code != 0 or self.said is None:
            out = (self.folder / "out").read_text()
            raise Breach(f"the run ended with {code}:\n{out}{self.talk}")
        if self.said != self.forwarded:
            raise Breach(f"it says {self.said} images but forwarded {self.forwarded}")
        return self.said

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def extraction(job: Job, cache: Path, folder: Path) -> Iterator[Extraction]:
    """A run that is gone afterwards."""
    run = Extraction(job, cache, folder)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.end()


def parts_of(cache: Path) -> dict[Path, tuple[int, int]]:
    """Each whole part with its inode and time of writing."""
    found = {}
    for path in sorted((cache / "features").glob("*/*/part-*.parquet")):
        status = path.stat()
        found[path] = (status.st_ino, status.st_mtime_ns)
    return found


def covered(parts: Iterable[Path]) -> dict[str, set[int]]:
    """The rows of the target that the parts of each layer cover."""
    rows: dict[str, set[int]] = {}
    for path in parts:
        facts = json.loads(pq.read_metadata(path).metadata[b"featrank"])
        span = set(range(facts["start"], facts["stop"]))
        known = rows.setdefault(path.parent.name, set())
        if known & span:
            raise Breach(f"{path.name} overlaps another part")
        known |= span
    return rows


def digests(cache: Path) -> dict[str, str]:
    """For each complete layer the hash of every id, path, label and bit of it, in order."""
    found = {}
    for manifest in (cache / "features").glob("*/*/*manifest.json"):
        total = hashlib.sha256()
        for path in sorted(manifest.parent.glob("part-*.parquet")):
            table = pq.ParquetFile(path).read()
            values = table.column("features").combine_chunks().flatten().to_numpy()
            total.update(values.tobytes())
            total.update(json.dumps(table.drop_columns("features").to_pydict()).encode())
        found[manifest.parent.name] = total.hexdigest()
    return found


def verify(cache: Path) -> None:
    """`featrank cache verify` must find no damage."""
    ended = subprocess.run(
        [sys.executable, "-m", "featrank", "cache", "verify", "--cache-dir", str(cache)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode != 0:
        raise Breach(f"cache verify ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")


class Stress:
    """Rounds of disturbed runs, compared with one that was left alone.

    Args:
        job: What to extract.
        folder: Where everything happens.
        rng: Chooses the moments.
        max_delay: Seconds from the first forward pass to the latest kill.
    """

    def __init__(self, job: Job, folder: Path, rng: random.Random, max_delay: float) -> None:
        self._job = job
        self._folder = folder
        self._rng = rng
        self._max_delay = max_delay
        self._runs = 0
        self._pristine = folder / "pristine"
        self._cache = folder / "cache"
        self.finished = 0
        self.lost = self.most_lost = 0
        self.slowest = 0.0

        self._cache.mkdir()
        with self._start() as run:
            run.wait_for(lambda: run.forwarded > 0)
            self._start_up = time.monotonic() - run.started
            self.n_images = run.finish()
        self._reference = digests(self._cache)
        # What is no feature (an index, hashes of files) need not be made anew each time.
        shutil.copytree(
            self._cache, self._pristine, ignore=shutil.ignore_patterns("features", "locks")
        )
        self.start_afresh()

    def start_afresh(self) -> None:
        """Empty the cache of features."""
        shutil.rmtree(self._cache)
        shutil.copytree(self._pristine, self._cache)

    def disturb(self, name: str, n: int) -> str:
        """Start a run, end it at a random moment, and check what it left; a line on it."""
        before = parts_of(self._cache)
        had = self._rows(before)
        # Every fifth dies while it starts; of those that get SIGTERM, every other one with all its
        # workers, as batch systems do it.
        early = n % 5 == 4
        whole_group = name == "TERM" and n % 2 == 1
        with self._start() as run:
            began = run.wait_for((lambda: bool(run.talk)) if early else (lambda: run.forwarded > 0))
            delay = self._rng.uniform(0, self._start_up if early else self._max_delay)
            if began:
                time.sleep(delay)
            moment = "while starting" if early else f"{delay:4.2f} s into it"
            if run.process.poll() is not None or run.said is not None:
                finished = self._check_finished(run, had)
                return f"too late, it was done: {finished}"
            sent = time.monotonic()
            number = signal.Signals[f"SIG{name}"]
            (os.killpg if whole_group else os.kill)(run.process.pid, number)
            try:
                code = run.process.wait(TERM_SECONDS * 4)
            except subprocess.TimeoutExpired:
                raise Breach(f"it did not end within {TERM_SECONDS * 4} s of SIG{name}") from None
            seconds = time.monotonic() - sent
            self._check_ending(name, code, seconds, run)
            return f"{moment}{', all' if whole_group else ''}: {self._check_left(run, before, had)}"

    def complete(self) -> str:
        """Run to the end undisturbed, and compare with the reference."""
        had = self._rows(parts_of(self._cache))
        with self._start() as run:
            return self._check_finished(run, had)

    def _rows(self, parts: Iterable[Path]) -> int:
        """How many rows all layers of the pass have."""
        rows = covered(parts)
        return len(set.intersection(*(rows.get(layer, set()) for layer in self._reference)))

    def _start(self) -> AbstractContextManager[Extraction]:
        self._runs += 1
        return extraction(self._job, self._cache, self._folder / f"run-{self._runs:03}")

    def _check_ending(self, name: str, code: int, seconds: float, run: Extraction) -> None:
        if name == "KILL":
            return
        self.slowest = max(self.slowest, seconds)
        if code != TERM_CODE or seconds > TERM_SECONDS:
            raise Breach(f"SIG{name}: exit {code} after {seconds:.1f} s:\n{run.talk}")

    def _check_left(self, run: Extraction, before: dict[Path, tuple[int, int]], had: int) -> str:
        verify(self._cache)
        after = parts_of(self._cache)
        for path, status in before.items():
            if after.get(path) != status:
                raise Breach(f"{path.name} was there before and was written again or removed")
        have = self._rows(after)
        lost = run.forwarded - (have - had)
        self.lost += lost
        self.most_lost = max(self.most_lost, lost)
        if lost > self._job.part_rows + self._job.batch_size:
            raise Breach(f"{run.forwarded} images forwarded for {have - had} rows")
        return f"{run.forwarded:4} forwarded, {have - had:4} kept, {have}/{self.n_images} there"

    def _check_finished(self, run: Extraction, had: int) -> str:
        forwarded = run.finish()
        missing = self.n_images - had
        allowed = missing + self._job.part_rows + self._job.batch_size
        if forwarded > allowed:
            raise Breach(f"{missing} rows were missing and {forwarded} images forwarded")
        verify(self._cache)
        # A layer that nobody asked for, as the classifier's probabilities, may stay incomplete.
        found = digests(self._cache)
        if not found or found.items() - self._reference.items():
            raise Breach("the features differ from those of an undisturbed run")
        self.finished += 1
        self.start_afresh()
        return f"{forwarded} forwarded of {missing} missing, equal to the undisturbed run"


def main(arguments: Sequence[str] | None = None) -> int:
    """Disturb, check, report; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--model", default="tf_efficientnet_lite0")
    parser.add_argument("--rounds", type=int, default=40, help="runs to disturb, by each signal")
    parser.add_argument("--signals", nargs="+", choices=["KILL", "TERM"], default=["KILL", "TERM"])
    parser.add_argument("--part-rows", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--max-delay", type=float, default=5.0, help="seconds into the extraction")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    job = Job(given.dataset, given.model, given.part_rows, given.batch_size, given.workers)
    rng = random.Random(given.seed)
    try:
        with tempfile.TemporaryDirectory(prefix="featrank-stress-") as folder:
            stress = Stress(job, Path(folder), rng, given.max_delay)
            print(f"{stress.n_images} images, {given.model}, parts of {given.part_rows} rows")
            for name in given.signals:
                disturb_often(stress, name, given.rounds)
    except Breach as breach:
        print(f"BREACH: {breach}")
        return 1
    return 0


def disturb_often(stress: Stress, name: str, rounds: int) -> None:
    """The rounds with one signal, and a summary."""
    stress.start_afresh()
    stress.lost = stress.most_lost = stress.finished = 0
    done = tries = 0
    while done < rounds:
        # The last rows now and then go undisturbed, so that there is something to compare.
        line = stress.disturb(name, tries)
        tries += 1
        if not line.startswith("too late"):
            done += 1
        print(f"SIG{name} {done:2}/{rounds} {line}", flush=True)
    print(f"undisturbed to the end: {stress.complete()}", flush=True)
    slowest = f", the slowest ending took {stress.slowest:.1f} s" if name == "TERM" else ""
    print(
        f"SIG{name}: {done} runs ended, {stress.finished} completions equal to the undisturbed run"
        f" to the last bit, {stress.lost} images lost in all and at most {stress.most_lost} in one"
        f" run, no damage{slowest}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
