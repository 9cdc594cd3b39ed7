"""What produced a result."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "featrank", "torch", "torchvision", "timm", "numpy", "scikit-learn", "scipy", "pillow",
    "pyarrow",
)  # fmt: skip


def make_stamp(facts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Versions, source state, platform and time of this run, as JSON.

    Args:
        facts: What else produced it: device, precision, seeds, hashes.
    """
    stamp = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": package_versions(),
        "git": git_state(Path(__file__).parent),
        "command": ["featrank", *sys.argv[1:]],
        **(facts or {}),
    }
    return {key: value for key, value in stamp.items() if value is not None}


def package_versions() -> dict[str, str]:
    """Installed versions of what can change a number."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def git_state(source: Path) -> dict[str, Any] | None:
    """Commit and dirty flag of the checkout that featrank runs from; None where it is installed."""
    if not (source.parent / ".git").exists():
        return None
    try:
        sha, status = (
            subprocess.run(
                ["git", "-C", str(source.parent), *arguments],
                capture_output=True, text=True, timeout=5, check=True,
            ).stdout.strip()
            for arguments in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return {"sha": sha, "dirty": bool(status)}
