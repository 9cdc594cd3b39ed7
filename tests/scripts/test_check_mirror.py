from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_mirror.py"


def test_what_lacks_its_mirror_image_is_named(tmp_path: Path) -> None:
    for name in (
        "featrank/a/_b.py", "featrank/a/c.py", "tests/a/test_b.py", "tests/a/test_d.py",
        "tests/contract/test_laws.py", "scripts/e.py", "tests/scripts/test_e.py",
        "tests/scripts/test_f.py",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('"""Something."""\n')
    checked = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 1
    assert checked.stdout.splitlines() == [
        "featrank/a/c.py has no tests/a/test_c.py",
        "tests/a/test_d.py mirrors no module",
        "tests/scripts/test_f.py mirrors no module",
    ]
