"""The fuzz script, small: one odd file of each kind and a few more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz_images.py"


def test_no_odd_file_is_silently_wrong(cache_dir: Path) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, SCRIPT, "--good", "30", "--odd", "29", "--workers", "1"),
            *("--model", "random:test_resnet", "--cache-dir", str(cache_dir)),
        ],
        capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "30 good and " in ended.stdout
    assert "none wrong" in ended.stdout
    for fate in ("empty: skipped", "bomb: skipped", "cmyk: decoded as Pillow does"):
        assert fate in ended.stdout
