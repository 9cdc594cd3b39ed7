"""How long the commands take that must answer at once, as whole processes.

    python scripts/bench_start.py --rounds 9

The bounds beside the figures are what the project promises on a quiet machine; on a busy one the
quickest round is the one to read. Exit 1 where a quickest round is over its bound.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Seconds, by the arguments of the command; RESULT is a saved result.
BOUNDS = {
    "--help": 0.5,
    "rank --help": 0.5,
    "metrics": 0.5,
    "models --names": 1.0,
    "table RESULT": 1.0,
    "gate RESULT --fail-under gda=0": 1.0,
}
RANK = "rank --dataset digits --max-images 60 --models random:test_resnet --workers 0 -q -o"


def run(arguments: list[str], environment: dict[str, str]) -> float:
    """Seconds of one process."""
    command = [sys.executable, "-m", "featrank", *arguments]
    started = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    slow = 0
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "FEATRANK_CACHE": folder, "HF_HUB_OFFLINE": "1"}
        result = str(Path(folder, "result.json"))
        run([*RANK.split(), result], environment)
        run(["models", "--names"], environment)  # makes the index
        print(f"{'command':<34}{'quickest':>10}{'median':>10}{'bound':>8}   seconds")
        for words, bound in BOUNDS.items():
            arguments = [result if word == "RESULT" else word for word in words.split()]
            seconds = [run(arguments, environment) for _ in range(rounds)]
            slow += min(seconds) > bound
            print(f"{words:<34}{min(seconds):>10.2f}{statistics.median(seconds):>10.2f}{bound:>8}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
