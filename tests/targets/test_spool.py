from __future__ import annotations

import gc
import shutil
from collections import namedtuple
from collections.abc import Iterator
from hashlib import sha256

import pytest

from featrank.errors import IncompleteError
from featrank.targets import Sample
from featrank.targets._spool import Spool

CONTENTS = [b"first", b"second", b"first", b"third"]


def samples(*contents: bytes) -> list[Sample]:
    return [Sample(str(i), "x", sha256(data).hexdigest()) for i, data in enumerate(contents)]


def test_only_what_is_asked_for_is_copied_and_no_more_is_read() -> None:
    passed: list[bytes] = []

    def contents() -> Iterator[bytes]:
        for data in CONTENTS:
            passed.append(data)
            yield data

    spool = Spool(contents)
    spans = [spool.place(sha256(data).hexdigest(), len(data)) for data in CONTENTS]
    assert spans[0] is spans[2]
    assert not spans[0].file.exists()
    spool.fill([])
    assert not spans[0].file.exists()
    spool.fill(samples(b"second", b"not ours"))
    assert spans[1].read() == b"second"
    assert passed == [b"first", b"second"]
    spool.fill(samples(*CONTENTS))
    assert [span.read() for span in spans] == CONTENTS
    folder = spans[0].file.parent
    del spool
    gc.collect()
    assert not folder.exists()


def test_room_is_looked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(lambda: iter([b"12345"]))
    spool.place(sha256(b"12345").hexdigest(), 5)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(9, 5, 4))
    with pytest.raises(IncompleteError, match="need 5 bytes there of which 4 are free") as caught:
        spool.fill(samples(b"12345"))
    assert "TMPDIR" in caught.value.hint
