"""The stress script, a few rounds of it on a small network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "stress_cache.py"


@pytest.mark.parametrize("name", ["KILL", "TERM"])
def test_a_disturbed_cache_ends_up_equal_to_an_undisturbed_one(name: str) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, SCRIPT, "--signals", name, "--rounds", "2", "--max-delay", "0.5"),
            *("--dataset", "clipart", "--model", "random:test_resnet"),
            *("--batch-size", "8", "--workers", "1"),
        ],
        capture_output=True, text=True, timeout=570, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"SIG{name}: 2 runs ended, 1 completions equal" in ended.stdout
    assert "no damage" in ended.stdout
