"""Processes that die, hand over much, or outlive nobody."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import pytest
import torch

from featrank.errors import IncompleteError
from featrank.extract.decoders import Decoders, ImageBatch

BATCHES = [[i] for i in range(7)]


def large(rows: Sequence[int]) -> ImageBatch:
    """Some megabytes that tell the row."""
    return ImageBatch(list(rows), torch.full((1, 3, 500, 500), float(rows[0])), [])


def killed(rows: Sequence[int]) -> ImageBatch:
    if rows[0] == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return large(rows)


class Odd(Exception):
    """Cannot be sent: it is made of two things and keeps one."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def odd(_: Sequence[int]) -> ImageBatch:
    raise Odd("torn", " paper")


def slow(rows: Sequence[int]) -> ImageBatch:
    time.sleep(2)
    return large(rows)


@pytest.mark.parametrize("workers", [1, 3])
def test_large_batches_come_in_order(workers: int) -> None:
    with Decoders(large, BATCHES, workers, pin_memory=False) as decoded:
        for row, batch in enumerate(decoded):
            assert batch.rows == [row]
            assert batch.pixels is not None
            assert torch.equal(batch.pixels, torch.full((1, 3, 500, 500), float(row)))
    assert row == len(BATCHES) - 1


def test_pinned_memory_is_asked_for_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU there is none to be had: the request itself is seen."""
    asked: list[bool] = []
    empty = torch.empty

    def ask(shape: Sequence[int], *, pin_memory: bool) -> torch.Tensor:
        asked.append(pin_memory)
        return empty(shape)

    monkeypatch.setattr(torch, "empty", ask)
    for wanted in (True, False):
        with Decoders(large, BATCHES[:2], 2, pin_memory=wanted) as decoded:
            assert len(list(decoded)) == 2
    assert asked == [True, True, False, False]


def test_a_stopped_decoder_is_named_and_waited_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("featrank.extract.decoders.SILENCE_S", 0.2)
    decoders = Decoders(large, BATCHES, 1, pin_memory=False)
    with decoders as decoded:
        next(decoded)
        (process,) = decoders._processes
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        rest: list[ImageBatch] = []
        reader = threading.Thread(target=lambda: rest.extend(decoded))
        reader.start()
        while f"decoding process {process.pid} is stopped" not in caplog.text:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGCONT)
        reader.join()
    assert [batch.rows for batch in rest] == BATCHES[1:]


def test_no_limit_on_files_or_shared_memory_touches_the_hand_over() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with Decoders(large, BATCHES, 2, pin_memory=False) as decoded:
            assert sum(len(batch.rows) for batch in decoded) == len(BATCHES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_killed_decoder_is_an_error_that_says_so() -> None:
    with (
        pytest.raises(IncompleteError, match="Killed") as caught,
        Decoders(killed, BATCHES, 2, pin_memory=False) as decoded,
    ):
        for _ in decoded:
            pass
    assert "--workers 0" in caught.value.hint
    assert not multiprocessing.active_children()


def test_a_slow_decoder_is_waited_for() -> None:
    with Decoders(slow, [[0]], 1, pin_memory=False) as decoded:
        assert len(list(decoded)) == 1


def test_what_cannot_be_sent_is_told_in_words() -> None:
    with (
        pytest.raises(IncompleteError, match="Odd: torn paper"),
        Decoders(odd, BATCHES, 1, pin_memory=False) as decoded,
    ):
        next(decoded)


def test_leaving_early_leaves_no_process() -> None:
    with Decoders(large, BATCHES, 3, pin_memory=False) as decoded:
        next(decoded)
        assert len(multiprocessing.active_children()) == 3
    assert not multiprocessing.active_children()


ORPHANS = """
import os, signal, sys, time
import torch
from featrank.extract.decoders import Decoders
def decode(rows):
    print(os.getpid(), flush=True)
    time.sleep(600)
with Decoders(decode, [[0], [1]], 2, pin_memory=False) as decoded:
    next(decoded)
"""


def test_decoders_end_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=-1, text=True) as process:
        assert process.stdout is not None
        pids = [int(process.stdout.readline()) for _ in range(2)]
        process.kill()
        # The end of the pipe: nobody holds it any more.
        assert process.stdout.read() == ""
    assert len(set(pids)) == 2
