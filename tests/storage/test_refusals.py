"""Hints follow what was refused."""

from __future__ import annotations

import errno
import os

import pytest

from featrank.storage.refusals import way_out


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "make room"),
        (errno.EDQUOT, "make room"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOMEM, "memory"),
        (errno.EACCES, "allow it"),
        (errno.EROFS, "allow it"),
        (errno.ENAMETOOLONG, "shorter"),
        (errno.EIO, "another place"),
    ],
)
def test_room_is_asked_for_only_where_there_is_none(number: int, said: str) -> None:
    hint = way_out(OSError(number, os.strerror(number)))
    assert said in hint
    assert ("make room" in hint) == (number in (errno.ENOSPC, errno.EDQUOT))
