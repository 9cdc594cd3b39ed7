"""The tests that need a GPU, where pytest is there to run them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from gpu_checks.check import FAILED, NEEDS_GPU, OK, SKIPPED, Finding, Setting

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_S = 120


def tests_marked_cuda(setting: Setting) -> Finding:
    """Only files that hold such tests: others import what a GPU machine need not have."""
    if importlib.util.find_spec("pytest") is None:
        return Finding(SKIPPED, note="pytest is not installed")
    files = [
        path
        for path in sorted((REPOSITORY / "tests").rglob("test_*.py"))
        if "@pytest.mark.cuda" in path.read_text(encoding="utf-8")
    ]
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "cuda", "-p", "no:cacheprovider", *map(str, files)],
        cwd=REPOSITORY, env={**own, "PYTHONPATH": str(REPOSITORY)}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    lines = (ended.stdout.strip() or ended.stderr.strip()).splitlines() or ["no output"]
    told = lines[-1].strip("= ")
    if ended.returncode:
        failures = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        return Finding(FAILED, {"pytest": told}, "; ".join(failures))
    if not setting.is_gpu:
        return Finding(SKIPPED, {"pytest": told}, NEEDS_GPU)
    return Finding(OK if "passed" in told else FAILED, {"pytest": told})
