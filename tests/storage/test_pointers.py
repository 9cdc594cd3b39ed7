from __future__ import annotations

from featrank.storage.pointers import POINTER_BYTES, pointer_reason


def test_the_step_that_fetches_the_file() -> None:
    assert "git lfs pull" in pointer_reason(
        b"version https://git-lfs.github.com/spec/v1"[:POINTER_BYTES]
    )
    assert "git annex get" in pointer_reason(b"/annex/objects/SHA256E-s3--00.png"[:POINTER_BYTES])
    assert pointer_reason(b"\x89PNG") == pointer_reason(b"") == ""
