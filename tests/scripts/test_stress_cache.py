"""The stress script, a round on a small network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "stress_cache.py"


def test_a_disturbed_cache_ends_up_equal_to_an_undisturbed_one() -> None:
    ended = subprocess.run(
        [
            *(sys.executable, SCRIPT, "--rounds", "1", "--max-delay", "0.5"),
            *("--dataset", "clipart", "--model", "random:test_resnet"),
            *("--batch-size", "8", "--workers", "1", "--signals", "KILL"),
        ],
        capture_output=True, text=True, timeout=570, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "SIGKILL: 1 runs ended, 1 completions equal" in ended.stdout
    assert ended.stdout.count("no damage") == 1
