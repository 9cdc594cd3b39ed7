from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from featrank.extract.interrupts import keep_interrupts


class Ended(BaseException):
    pass


def end(_number: int, _frame: FrameType | None) -> None:
    raise Ended


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    # A shell's background jobs are started with SIGINT ignored.
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, end),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_is_raised_where_it_should_be_ends_the_block() -> None:
    with pytest.raises(Ended), keep_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is end


@pytest.mark.parametrize(
    ("number", "ending"), [(signal.SIGTERM, Ended), (signal.SIGINT, KeyboardInterrupt)]
)
def test_what_was_lost_is_raised_again(number: int, ending: type[BaseException]) -> None:
    with keep_interrupts() as raise_lost:
        raise_lost()
        with pytest.raises(ending):  # stands for the one that drops it
            signal.raise_signal(number)
        with pytest.raises(ending):
            raise_lost()
        raise_lost()


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with keep_interrupts() as raise_lost:
        signal.raise_signal(signal.SIGTERM)
        raise_lost()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_another_thread_keeps_nothing_and_fails_at_nothing() -> None:
    ended = []

    def work() -> None:
        with keep_interrupts() as raise_lost:
            raise_lost()
            ended.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [end]
