from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from featrank.errors import IncompleteError
from featrank.targets._reach import read_listed, refuse_unreachable, retried


class Flaky:
    """Fails some times, then works."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def __call__(self) -> bytes:
        self.left -= 1
        if self.left >= 0:
            raise OSError(errno.ESTALE, "Stale file handle")
        return b"data"


def test_a_moments_failure_is_tried_again() -> None:
    assert retried(Flaky(2)) == b"data"
    digest = hashlib.sha256(b"data").hexdigest()
    assert read_listed(Flaky(1), "a.png", digest) == b"data"


def test_what_stays_away_names_the_file_and_what_to_do() -> None:
    with pytest.raises(IncompleteError, match=r"cannot read 'a\.png': Stale") as caught:
        read_listed(Flaky(99), "a.png", "")
    assert "run the same command again" in caught.value.hint


def test_other_bytes_are_never_used() -> None:
    with pytest.raises(IncompleteError, match="changed since it was listed"):
        read_listed(Flaky(0), "a.png", hashlib.sha256(b"before").hexdigest())


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE])
def test_a_place_that_fails_makes_no_smaller_target(tmp_path: Path, number: int) -> None:
    with pytest.raises(IncompleteError):
        refuse_unreachable("a.png", OSError(number, "x"), tmp_path)


def test_a_files_own_fault_is_its_own(tmp_path: Path) -> None:
    refuse_unreachable("a.png", PermissionError(errno.EACCES, "x"), tmp_path)
    with pytest.raises(IncompleteError):
        refuse_unreachable("a.png", FileNotFoundError(errno.ENOENT, "x"), tmp_path / "away")
