"""Seconds and peak memory of each metric, alone and together, in memory and streamed.

    python scripts/bench_metrics.py                                  all metrics at all sizes
    python scripts/bench_metrics.py --sizes 5000x1280x10 --metrics tmi,gda
    python scripts/bench_metrics.py --together --sizes 50000x2048x100
    python scripts/bench_metrics.py --peer CHECKOUT --sizes 5000x2048x100
    python scripts/bench_metrics.py --streaming

A peer is a checkout of a public implementation: a file of it defines a function ``TMI(features,
labels)`` or a class ``LogME`` with ``fit(features, labels)``. It runs in this process, on the same
arrays.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from featrank.cache.manifest import Part
from featrank.cache.parts import Rows, read_blocks, write_part
from featrank.errors import FeatrankError
from featrank.labelled.labelled import Labelled
from featrank.labelled.singular_rows import singular_rows
from featrank.metrics import METRICS, Metric
from featrank.records import FloatArray, IntArray

SIZES = ("5000x1280x10", "5000x2048x100", "50000x768x100", "50000x2048x1000")
TOGETHER = ("tmi", "gda", "nb", "logme", "hscore_reg", "ncm", "ridge")
STREAMED, STREAMED_PREFIX = "1000000x512x100", 50_000
# The threads of linear algebra look for more work for a while, and disturb what is timed next.
REST = 0.5
PARTS, PART_ROWS = "parts.json", 4096


def main() -> None:
    """Parse, and run what was asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(SIZES), help="rows x features x classes, ...")
    parser.add_argument("--metrics", help="names or wildcards, comma separated")
    parser.add_argument("--together", action="store_true", help="the metrics share one layer")
    parser.add_argument("--peer", type=Path, help="a checkout of public TMI or LogME code")
    parser.add_argument("--repeat", type=int, default=3, help="turns beside a peer")
    parser.add_argument("--streaming", action="store_true", help="moment metrics over Parquet")
    parser.add_argument("--rows", default=STREAMED, help="the size for --streaming")
    arguments = parser.parse_args()
    sizes = [parse_size(size) for size in arguments.sizes.split(",")]
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    if arguments.streaming:
        bench_streaming(parse_size(arguments.rows), arguments.metrics)
        return
    for size in sizes:
        print(f"\n{size[0]} × {size[1]}, {size[2]} classes")
        if arguments.peer:
            in_a_process(bench_peer, arguments.peer, size, arguments.repeat)
        elif arguments.together:
            names = (arguments.metrics or ",".join(TOGETHER)).split(",")
            in_a_process(bench_together, size, names)
        else:
            for metric in METRICS.select((arguments.metrics or "*").split(",")):
                if metric.needs != "source_probs":
                    in_a_process(bench_alone, size, metric.name)


def parse_size(text: str) -> tuple[int, int, int]:
    """Rows, features, classes."""
    rows, width, classes = (int(number) for number in text.split("x"))
    return rows, width, classes


def make_rows(start: int, stop: int, width: int, n_classes: int) -> tuple[FloatArray, IntArray]:
    """Some rows of an endless layer; the same rows whatever the range they are asked in.

    ``start`` must be a multiple of 4096.
    """
    centres = np.random.default_rng(0).standard_normal((n_classes, width), np.float32)
    blocks = []
    for first in range(start, stop, PART_ROWS):
        rng = np.random.default_rng([1, first])
        noise = rng.standard_normal((min(PART_ROWS, stop - first), width), np.float32)
        labels = np.arange(first, first + len(noise)) % n_classes
        blocks.append((3 * noise + centres[labels] + 1, labels))
    return (
        np.concatenate([rows for rows, _ in blocks]),
        np.concatenate([labels for _, labels in blocks]),
    )


def in_a_process(task: Callable[..., None], *arguments: object) -> None:
    """So that peak memory is the task's own."""
    process = multiprocessing.get_context("spawn").Process(target=task, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        print(f"  failed with exit code {process.exitcode}")


def peak_mib() -> float:
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(metric: Metric, labelled: Labelled) -> tuple[float | None, float]:
    """The value, None where there is none, and the seconds it took."""
    start = time.perf_counter()
    try:
        value: float | None = metric.score(labelled).value
    except FeatrankError as error:
        print(f"  {metric.name}: {error.message}")
        value = None
    return value, time.perf_counter() - start


def timed_alone(
    metric: Metric, features: FloatArray, labels: IntArray
) -> tuple[float | None, float]:
    """As above from bare arrays, which are checked first."""
    start = time.perf_counter()
    value, _ = timed(metric, Labelled.from_arrays(features, labels))
    return value, time.perf_counter() - start


def timed_shared(
    metric: Metric, features: FloatArray, labels: IntArray
) -> tuple[float | None, float]:
    """As above where another metric has had the rows checked and factorised."""
    labelled = Labelled.from_arrays(features, labels)
    if metric.name != "tmi":
        singular_rows(labelled, standardised=False)
        time.sleep(REST)
    return timed(metric, labelled)


def show(name: str, value: float | None, seconds: float) -> None:
    """Print one line; processor seconds, of all threads so far, tell a busy machine."""
    number = "-" if value is None else f"{value:.8g}"
    spent = f"{seconds:9.3f} s {peak_mib():8.0f} MiB {time.process_time():9.1f} s of processors"
    print(f"  {name:20s} {spent}  {number}", flush=True)


def warm_up(names: list[str]) -> None:
    """Import what the metrics import, torch included where features must be in memory."""
    features, labels = make_rows(0, 200, 8, 4)
    metrics = METRICS.select(names)
    if any(metric.needs == "features" for metric in metrics):
        # As after an extraction.
        importlib.import_module("torch")
    for metric in metrics:
        timed(metric, Labelled.from_arrays(features, labels))


def bench_alone(size: tuple[int, int, int], name: str) -> None:
    """One metric that shares nothing."""
    warm_up([name])
    show(name, *timed_alone(METRICS.get(name), *make_rows(0, *size)))


def bench_together(size: tuple[int, int, int], names: list[str]) -> None:
    """Metrics of one layer, one after the other."""
    warm_up(names)
    features, labels = make_rows(0, *size)
    start = time.perf_counter()
    labelled = Labelled.from_arrays(features, labels)
    for name in names:
        show(name, *timed(METRICS.get(name), labelled))
    show("together", None, time.perf_counter() - start)


def find_peer(checkout: Path) -> tuple[str, Callable[[FloatArray, IntArray], float]]:
    """Our metric's name, and the peer's function for it."""
    for path in sorted(checkout.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {getattr(node, "name", "") for node in tree.body}
        for name, ours in (("LogME", "logme_official"), ("TMI", "tmi")):
            if name in names:
                sys.path[:0] = [str(path.parent), str(checkout)]
                found = getattr(importlib.import_module(path.stem), name)
                return ours, partial(call_peer, found)
    raise SystemExit(f"{checkout}: no file defines TMI or LogME")


def call_peer(peer: Any, features: FloatArray, labels: IntArray) -> float:
    """A peer's value."""
    return float(peer().fit(features, labels) if isinstance(peer, type) else peer(features, labels))


def bench_peer(checkout: Path, size: tuple[int, int, int], repeat: int) -> None:
    """The public code and ours on the same arrays, alone and with the layer shared.

    They take turns, and the best of each counts. Alone begins with the check of the arrays, which a
    peer does not make; a shared layer was checked, and for LogME its rows were factorised, before
    the clock starts.
    """
    name, peer = find_peer(checkout)
    warm_up([name, "logme"])
    small, few = make_rows(0, 200, 8, 4)
    peer(small, few)  # compiles, where it compiles
    features, labels = make_rows(0, *size)
    runs: dict[str, Callable[[], tuple[float | None, float]]] = {
        "peer": partial(timed_peer, peer, features, labels)
    }
    for metric in METRICS.select([name, *(["logme"] if name == "logme_official" else [])]):
        runs[f"{metric.name} alone"] = partial(timed_alone, metric, features, labels)
        runs[f"{metric.name} shared"] = partial(timed_shared, metric, features, labels)
    values: dict[str, float | None] = {}
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(repeat):
        for run, work in runs.items():
            time.sleep(REST)
            values[run], seconds = work()
            best[run] = min(best[run], seconds)
    theirs = values["peer"]
    for run, value in values.items():
        show(run, value, best[run])
        if run != "peer" and value is not None and theirs is not None:
            ratio = best["peer"] / best[run]
            print(f"    {ratio:.1f} times as fast, differs by {abs(value - theirs):.2g}")


def timed_peer(
    peer: Callable[[FloatArray, IntArray], float], features: FloatArray, labels: IntArray
) -> tuple[float | None, float]:
    """A peer's value, and the seconds it took."""
    start = time.perf_counter()
    value = peer(features, labels)
    return value, time.perf_counter() - start


def bench_streaming(size: tuple[int, int, int], wanted: str | None) -> None:
    """The moment metrics over Parquet, whole and against memory on a prefix."""
    names = [m.name for m in METRICS.select((wanted or "*").split(",")) if m.needs == "moments"]
    with tempfile.TemporaryDirectory() as folder:
        in_a_process(write_layer, Path(folder), size)
        print(f"\n{size[0]} × {size[1]}, {size[2]} classes, streamed")
        in_a_process(stream_layer, Path(folder), names)
        in_a_process(compare_prefix, Path(folder), min(size[0], STREAMED_PREFIX), names)


def write_layer(folder: Path, size: tuple[int, int, int]) -> None:
    """A layer's parts, as an extraction writes them."""
    n_rows, width, n_classes = size
    facts = {"key": {}, "class_names": [f"class {label}" for label in range(n_classes)]}
    parts = []
    for start in range(0, n_rows, PART_ROWS):
        stop = min(start + PART_ROWS, n_rows)
        features, labels = make_rows(start, stop, width, n_classes)
        blank = [""] * len(labels)
        rows = Rows(start, stop, blank, blank, labels.tolist(), features, [])
        parts.append(asdict(write_part(folder, rows, facts).part))
    (folder / PARTS).write_text(json.dumps({"width": width, "parts": parts}))


def read_layer(folder: Path) -> Iterator[tuple[FloatArray, IntArray]]:
    """A written layer's blocks."""
    written = json.loads((folder / PARTS).read_text())
    yield from read_blocks(folder, [Part(**part) for part in written["parts"]], written["width"])


def prefix_blocks(folder: Path, n_rows: int) -> Iterator[tuple[FloatArray, IntArray]]:
    """The first rows."""
    left = n_rows
    for features, labels in read_layer(folder):
        if left <= 0:
            return
        yield features[:left], labels[:left]
        left -= len(features[:left])


def stream_layer(folder: Path, names: list[str]) -> None:
    """All metrics, from the parts."""
    warm_up(names)
    print(f"  before: {peak_mib():.0f} MiB")
    start = time.perf_counter()
    labelled = Labelled.from_blocks(partial(read_layer, folder))
    show("first reading", None, time.perf_counter() - start)
    for name in names:
        show(name, *timed(METRICS.get(name), labelled))
    show("together", None, time.perf_counter() - start)


def compare_prefix(folder: Path, n_rows: int, names: list[str]) -> None:
    """The first rows' scores in memory and streamed."""
    blocks = list(prefix_blocks(folder, n_rows))
    features, labels = (np.concatenate(part) for part in zip(*blocks, strict=True))
    whole = Labelled.from_arrays(features, labels)
    streamed = Labelled.from_blocks(partial(prefix_blocks, folder, n_rows))
    worst = 0.0
    for name in names:
        metric = METRICS.get(name)
        one, other = metric.score(whole).value, metric.score(streamed).value
        worst = max(worst, abs(one - other) / max(abs(one), 1e-12))
    print(f"  first {n_rows} rows, in memory against streamed: differ by {worst:.2g} at most")


if __name__ == "__main__":
    main()
