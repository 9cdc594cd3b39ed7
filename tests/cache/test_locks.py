import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from featrank.cache.locks import Busy, Lease, extraction_lock, leased_entries

LOCK = """
with extraction_lock(root, "entry", wait=False):
    print("ready", flush=True)
    sys.stdin.read()
"""
LEASE = """
lease = Lease(root)
lease.add("entry")
print("ready", flush=True)
sys.stdin.read()
lease.close()
"""
HEAD = """
import sys
from pathlib import Path
from featrank.cache.locks import Lease, extraction_lock
root = Path(sys.argv[1])
"""

Process = subprocess.Popen[str]


def start(code: str, root: Path) -> Process:
    command = [sys.executable, "-c", HEAD + code, str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture(params=[LOCK, LEASE], ids=["lock", "lease"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Process]]:
    """A process that holds a lock or a lease until its input ends."""
    process = start(request.param, tmp_path)
    yield request.param, process
    process.kill()
    process.communicate()


def free(root: Path, kind: str) -> bool:
    if kind == LEASE:
        with leased_entries(root) as leased:
            return "entry" not in leased
    try:
        with extraction_lock(root, "entry", wait=False):
            return True
    except Busy:
        return False


def test_held_until_let_go(other: tuple[str, Process], tmp_path: Path) -> None:
    kind, process = other
    assert not free(tmp_path, kind)
    process.communicate(timeout=60)
    assert free(tmp_path, kind)


def test_taken_over_from_the_dead(other: tuple[str, Process], tmp_path: Path) -> None:
    kind, process = other
    process.kill()
    process.wait(60)
    assert free(tmp_path, kind)


def test_waiting_ends_when_the_owner_dies(tmp_path: Path) -> None:
    process = start(LOCK, tmp_path)
    process.kill()
    started = time.monotonic()
    with extraction_lock(tmp_path, "entry", wait=True):
        assert time.monotonic() - started < 30
    process.communicate()


def test_holding_twice_in_one_process_is_no_deadlock(tmp_path: Path) -> None:
    with (
        extraction_lock(tmp_path, "entry", wait=True),
        extraction_lock(tmp_path, "entry", wait=True),
    ):
        pass


def test_a_closed_lease_leaves_nothing(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    lease.add("a")
    lease.add("b", "a")
    with leased_entries(tmp_path) as leased:
        assert leased == {"a", "b"}
    lease.close()
    lease.close()
    with leased_entries(tmp_path) as leased:
        assert leased == set()
    assert [path.name for path in (tmp_path / "leases").iterdir()] == ["guard.lock"]


def test_a_cache_that_cannot_be_written_needs_no_lease(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lease = Lease(tmp_path / "file")
    lease.add("a")
    lease.close()
