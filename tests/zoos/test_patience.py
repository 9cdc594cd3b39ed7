"""Waiting where a hub says so; tests/zoos/test_hub.py has the hub."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from featrank.zoos import _patience
from featrank.zoos._patience import PATIENCE_S, Patience


class Refused(Exception):
    def __init__(self, status: int, **headers: str) -> None:
        super().__init__("refused")
        self.response = SimpleNamespace(status_code=status, headers=headers)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(_patience.time, "sleep", found.append)
    return found


def test_a_wait_then_the_answer(waits: list[float]) -> None:
    answers = [Refused(429, **{"Retry-After": "7"}), Refused(429), "file"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    patience = Patience()
    assert patience.call(ask) == "file"
    assert waits == [7.0, 5.0]
    assert not patience.is_asked_to_wait


def test_all_waits_of_a_process_together_are_bounded(waits: list[float]) -> None:
    def ask() -> None:
        raise Refused(429, **{"Retry-After": "3600"})

    patience = Patience()
    for _ in range(5):
        with pytest.raises(Refused):
            patience.call(ask)
    assert sum(waits) == PATIENCE_S
    assert patience.is_asked_to_wait


def test_another_refusal_is_not_waited_for(waits: list[float]) -> None:
    def ask() -> None:
        raise Refused(503, **{"Retry-After": "7"})

    with pytest.raises(Refused):
        Patience().call(ask)
    assert waits == []
