"""The stress script, a few cases of every campaign."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "stress.py"


def test_a_few_cases_of_everything_show_no_fault(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, SCRIPT, "--count", "3", "--json", tmp_path / "figures.json"],
        capture_output=True, text=True, timeout=3000, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {"signals", "flips", "claims", "links", "names"} <= figures.keys()
    assert all(not found["faults"] for found in figures.values())
    assert all(sum(found["counts"].values()) >= 3 for found in figures.values())
