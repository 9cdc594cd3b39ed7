from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.targets._pointers import POINTER_BYTES, pointer_reason, refuse_pointer


def test_pointers_name_the_program_that_fetches() -> None:
    lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"
    annex = b"/annex/objects/SHA256E-s48213--00.png\n"
    assert "git lfs pull" in pointer_reason(lfs[:POINTER_BYTES])
    assert "git annex get" in pointer_reason(annex[:POINTER_BYTES])
    assert not pointer_reason(b"\x89PNG\r\n")
    assert not pointer_reason(b"")


def test_a_file_that_is_one_is_refused(tmp_path: Path) -> None:
    for name, content in (("a", b"version https://git-lfs.github.com/spec/v1\n"), ("b", b"x")):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="git lfs pull fetches it"):
        refuse_pointer(tmp_path / "a")
    for name in ("b", "gone", "a\0b"):
        refuse_pointer(tmp_path / name)
