"""Packages with entry points, installed for one process."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def install(site: Path, package: str, code: str, points: str = "") -> str:
    """As an installer leaves a package of one module; the PYTHONPATH that has it.

    Args:
        site: Where packages are installed.
        package: The package; its module has the same name with ``_`` for ``-``.
        code: What the module holds.
        points: Its entry points; empty for a zoo, the module's ``ZOO``.
    """
    module = package.replace("-", "_")
    site.mkdir(exist_ok=True)
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    points = points or f"[featrank.zoos]\n{module} = {module}:ZOO\n"
    (info / "entry_points.txt").write_text(points)
    return os.pathsep.join([str(site), *sys.path])
