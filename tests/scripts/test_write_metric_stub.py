"""What a type checker is told of the metrics."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import featrank

SCRIPT = Path(__file__).parents[2] / "scripts" / "write_metric_stub.py"
USERS_PROGRAM = """
import numpy as np
from featrank.metrics import gda, tmi
value: float = tmi(np.ones((4, 2)), [0, 0, 1, 1], k=1)
version: int = gda.version
wrong: str = gda(np.ones((4, 2)), [0, 0, 1, 1])
"""


def test_the_stub_is_not_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--check"])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_a_users_program_is_checked_as_it_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(USERS_PROGRAM)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "mine.py"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"MYPYPATH": str(Path(featrank.__file__).parents[1]), "PATH": ""},
    )  # fmt: skip
    (found,) = (line for line in checked.stdout.splitlines() if line.startswith("mine.py"))
    assert found.startswith("mine.py:6: error: Incompatible types in assignment"), checked.stdout
