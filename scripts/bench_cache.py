"""Measure what the cache promises: reading speed, memory of scoring and of extracting, listing.

    python scripts/bench_cache.py            # all of it: some minutes, 1 GB of disk
    python scripts/bench_cache.py read score # only these

Every comparison is made side by side in one run; ratios are what to quote.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from featrank.cache.key import FeatureKey
from featrank.cache.store import FeatureStore, Layer
from featrank.cache.writer import Table
from featrank.config import Selection
from featrank.records import LayerRef, Preprocessing
from featrank.storage.file_hashes import FileHashes
from featrank.targets import open_target

ROWS, WIDTH, CLASSES, REPEATS = 50_000, 2048, 100, 5
EXTRACTIONS = 3
PREPROCESSING = Preprocessing((3, 224, 224), 0.875, "center", "bicubic", (0.5,) * 3, (0.5,) * 3)


def make_layer(root: Path) -> Layer:
    """A layer of random features with a class signal, written as an extraction writes it."""
    key = FeatureKey("bench", "resnet50", "0" * 64, PREPROCESSING, "float32", 0, LayerRef())
    generator = np.random.default_rng(0)
    labels = np.arange(ROWS) % CLASSES
    centres = generator.normal(size=(CLASSES, WIDTH)).astype(np.float32)
    table = Table(
        [f"{i:064x}" for i in range(ROWS)], [f"{i}.jpg" for i in range(ROWS)], labels.tolist()
    )
    facts = {
        "model": "timm:bench", "target": "bench", "split": None, "n_params": 1,
        "class_names": [f"class {i:03d}" for i in range(CLASSES)],
    }  # fmt: skip
    store = FeatureStore(root, FileHashes(), print)
    writer = store.begin([key], facts, table, 1024)
    for start, stop in writer.spans:
        noise = generator.standard_normal((stop - start, WIDTH), dtype=np.float32)
        features = centres[labels[start:stop]] * 0.1 + noise
        writer.add((start, stop), range(start, stop), {key.layer: features}, [], last=True)
    writer.finish({})
    layer = store.find(key)
    assert layer is not None
    store.lease.close()
    return layer


def best(work: Callable[[], object]) -> float:
    """Seconds of the quickest of several runs."""
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def peak_of(*command: str, **environment: str) -> tuple[int, str]:
    """Peak resident bytes of a process of its own, and what it printed."""
    code = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "print(done.stdout, file=sys.stderr); print(peak); sys.exit(done.returncode)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return int(done.stdout) * 1024, done.stderr


def bench_read(root: Path) -> None:
    """Reading a layer against ``numpy.load`` of the same array."""
    layer = make_layer(root)
    store = FeatureStore(root, FileHashes(), print)
    array = root / "array.npy"
    np.save(array, store.read(layer).features)
    ours, numpys = best(lambda: store.read(layer)), best(lambda: np.load(array))
    array.unlink()
    ratio = ours / numpys
    print(f"read {ROWS} x {WIDTH}: {ours:.2f} s, numpy.load {numpys:.2f} s, {ratio:.2f} times")


def bench_score(root: Path) -> None:
    """Peak memory of scoring gda and nb from the cache."""
    layer = make_layer(root)
    size = ROWS * WIDTH * 4
    for metrics in ("gda,nb", "tmi", "tmi,gda,nb"):
        for path in layer.directory.glob("_scores/*"):
            path.unlink()
        started = time.perf_counter()
        peak, _ = peak_of(
            sys.executable, "-m", "featrank", "score", layer.key, "--metrics", metrics,
            FEATRANK_CACHE=str(root),
        )  # fmt: skip
        seconds = time.perf_counter() - started
        print(
            f"score {metrics} from {ROWS} x {WIDTH}: {seconds:.0f} s, peak {peak / 1e6:.0f} MB,"
            f" {peak / size:.2f} times the features ({size / 1e6:.0f} MB)"
        )


def bench_extract(root: Path) -> None:
    """Peak memory of extracting 1,000 and 20,000 images: medians, for it varies by some 40 MB."""
    sizes = (1_000, 20_000)
    folders = {n: make_images(root / f"images-{n}", n) for n in sizes}
    peaks: dict[int, list[float]] = {n: [] for n in sizes}
    for _ in range(EXTRACTIONS):
        for n, folder in folders.items():
            peak, _ = peak_of(
                sys.executable, "-m", "featrank", "extract", "--dataset", str(folder),
                "--models", "random:test_resnet", "--quiet", "--cache", "refresh",
                FEATRANK_CACHE=str(root),
            )  # fmt: skip
            peaks[n].append(peak / 1e6)
    for n in sizes:
        listing = ", ".join(f"{peak:.0f}" for peak in peaks[n])
        print(f"extract {n} images: peaks {listing} MB")
    low, high = (float(np.median(peaks[n])) for n in sizes)
    print(f"extract: difference {high - low:.0f} MB")


def make_images(folder: Path, n: int) -> Path:
    """So many small, different images in four classes."""
    from PIL import Image

    generator = np.random.default_rng(n)
    for name in "abcd":
        (folder / name).mkdir(parents=True)
    for i in range(n):
        pixels = generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "abcd"[i % 4] / f"{i:06d}.png", compress_level=1)
    return folder


def bench_fingerprint(root: Path) -> None:
    """Listing a folder of 8,000 images, the first and the second time."""
    folder = make_images(root / "images-8000", 8_000)
    time.sleep(0.5)
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        open_target(str(folder), Selection(), FileHashes(root / "h.sqlite")).fingerprint  # noqa: B018
        seconds.append(time.perf_counter() - started)
    print(f"fingerprint 8000 images: first {seconds[0]:.2f} s, then {min(seconds[1:]):.2f} s")


def bench_list(root: Path) -> None:
    """``cache list`` over 1,000 layers."""
    store = FeatureStore(root, FileHashes(), print)
    features = np.zeros((4, 8), np.float32)
    table = Table([f"{i:064x}" for i in range(4)], list("abcd"), [0, 0, 1, 1])
    facts = {
        "model": "timm:bench", "target": "bench", "split": None, "n_params": 1,
        "class_names": ["a", "b"],
    }  # fmt: skip
    for i in range(1_000):
        key = FeatureKey("bench", "resnet50", f"{i:064d}", PREPROCESSING, "float32", 0, LayerRef())
        writer = store.begin([key], facts, table, 1024)
        writer.add((0, 4), range(4), {key.layer: features}, [], last=True)
        writer.finish({})
    store.lease.close()
    command = [sys.executable, "-m", "featrank", "cache", "list", "--cache-dir", str(root)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[-1].startswith("1000 layers"), lines[-1]
    seconds = best(lambda: subprocess.run(command, capture_output=True, check=True))
    print(f"cache list over 1000 layers: {seconds:.2f} s")


BENCHES = {
    "list": bench_list,
    "read": bench_read,
    "score": bench_score,
    "extract": bench_extract,
    "fingerprint": bench_fingerprint,
}


def main() -> None:
    """Run the benches that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []])
    for name in parser.parse_args().names or BENCHES:
        with tempfile.TemporaryDirectory(prefix="featrank-bench-") as folder:
            BENCHES[name](Path(folder))


if __name__ == "__main__":
    main()
