import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from featrank.cache import locks
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
    process.communicate(timeout=600)
    assert free(tmp_path, kind)


def test_taken_over_from_the_dead(other: tuple[str, Process], tmp_path: Path) -> None:
    kind, process = other
    process.kill()
    process.wait(600)
    assert free(tmp_path, kind)


def test_waiting_ends_when_the_owner_dies(tmp_path: Path) -> None:
    process = start(LOCK, tmp_path)
    process.kill()
    with extraction_lock(tmp_path, "entry", wait=True):
        pass
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


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_worked_on_and_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    locks._say_no_locks.cache_clear()
    lease = Lease(tmp_path)
    for entry in ("one", "two"):
        lease.add(entry)
        with extraction_lock(tmp_path, entry, wait=True):
            pass
    with leased_entries(tmp_path):
        pass
    lease.close()
    assert caplog.text.count("grants no locks") == 1


@pytest.mark.parametrize("name", ["locks/entry.lock", "leases/guard.lock", "leases/x.lock"])
def test_links_in_place_of_locks_lead_nowhere(tmp_path: Path, name: str) -> None:
    victim, root = tmp_path / "victim", tmp_path / "cache"
    victim.write_text("precious")
    os.utime(victim, (1, 1))
    (root / name).parent.mkdir(parents=True)
    (root / name).symlink_to(victim)
    (root / "leases").mkdir(exist_ok=True)
    (root / "leases" / "x.json").write_text('["entry"]')
    with leased_entries(root) as leased, extraction_lock(root, "entry", wait=True):
        assert leased == set()
    assert victim.read_text() == "precious"
    assert victim.stat().st_mtime == 1


@pytest.mark.parametrize("folder", ["locks", "leases"])
def test_a_folder_of_locks_behind_a_link_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / folder).symlink_to(tmp_path / "victim")
    root = tmp_path / "cache"
    lock = leased_entries(root) if folder == "leases" else extraction_lock(root, "e", wait=True)
    with pytest.raises(OSError, match="link"), lock:
        pass
    assert list((tmp_path / "victim").iterdir()) == []


@pytest.mark.parametrize("content", ["[" * 100_000, "{}", "[5]", "nonsense", None])
def test_a_list_that_is_none_is_set_aside(tmp_path: Path, content: str | None) -> None:
    process = start(LEASE, tmp_path)
    (listed,) = (tmp_path / "leases").glob("*.json")
    listed.unlink()
    if content is None:
        os.mkfifo(listed)
    else:
        listed.write_text(content)
    with leased_entries(tmp_path) as leased:
        assert leased == set()
    assert not listed.exists()
    process.kill()
    process.communicate()


def test_a_hard_link_at_a_locks_name_is_not_written(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "cache" / "locks").mkdir(parents=True)
    (tmp_path / "cache" / "locks" / "entry.lock").hardlink_to(victim)
    with extraction_lock(tmp_path / "cache", "entry", wait=False):
        assert victim.read_text() == "precious"
    assert (tmp_path / "cache" / "damaged" / "locks" / "entry.lock").samefile(victim)


def test_a_folder_in_place_of_a_lease_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "leases" / "x.json").mkdir(parents=True)
    for _ in range(2):
        with leased_entries(tmp_path) as leased:
            assert leased == set()
    assert (tmp_path / "damaged" / "leases" / "x.json").is_dir()
