from __future__ import annotations

from featrank.targets._pointers import POINTER_BYTES, pointer_reason


def test_pointers_name_the_program_that_fetches() -> None:
    lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"
    annex = b"/annex/objects/SHA256E-s48213--00.png\n"
    assert "git lfs pull" in pointer_reason(lfs[:POINTER_BYTES])
    assert "git annex get" in pointer_reason(annex[:POINTER_BYTES])
    assert not pointer_reason(b"\x89PNG\r\n")
    assert not pointer_reason(b"")
