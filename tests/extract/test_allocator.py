"""Freed memory stays until the end, as the system's figures show."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest

from featrank.extract.allocator import keep_freed_memory

MIB = 2**20


def resident() -> int:
    """Bytes of this process that are in memory."""
    (line,) = [
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmRSS:")
    ]
    return int(line.split()[1]) * 1024


def use_and_free(n_bytes: int) -> None:
    np.ones(n_bytes, np.uint8)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_stays_until_the_end() -> None:
    before = resident()
    use_and_free(200 * MIB)
    assert resident() - before < 20 * MIB
    with keep_freed_memory():
        use_and_free(200 * MIB)
        assert resident() - before > 180 * MIB
        # It is taken again, not added to.
        use_and_free(200 * MIB)
        assert resident() - before < 220 * MIB
    assert resident() - before < 20 * MIB
    use_and_free(200 * MIB)
    assert resident() - before < 20 * MIB


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with keep_freed_memory():
        use_and_free(MIB)
