from __future__ import annotations

import errno
from types import SimpleNamespace

import pytest

from featrank.zoos._hub_answers import failure, status_of


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__("refused")
        self.response = SimpleNamespace(status_code=status)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "refused access to timm/x \\(401\\)"),
        (404, "has no timm/x \\(404\\)"),
        (418, "rejected the request for timm/x \\(418\\)"),
        (429, "wants fewer requests \\(429\\)"),
        (503, "failed to serve timm/x \\(503\\)"),
    ],
)
def test_every_status_has_its_sentence_and_a_way_out(status: int, said: str) -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = Refused(status)
    assert status_of(outer) == status
    error = failure("timm/x", outer)
    with pytest.raises(type(error), match=said):
        raise error
    assert "HF_ENDPOINT" in error.hint


def test_a_full_disk_is_not_the_hubs_fault() -> None:
    error = failure("timm/x", OSError(errno.ENOSPC, "No space left on device", "/cache/x"))
    assert error.message == "cannot store timm/x: No space left on device"


def test_an_address_with_a_token_is_not_repeated() -> None:
    error = failure("timm/x", RuntimeError("no answer from https://me:hf_token@hub.example/x"))
    assert "hf_token" not in error.message
    assert status_of(RuntimeError("plain")) is None
