"""Ctrl-C and SIGTERM that would get lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType


@contextmanager
def keep_interrupts() -> Iterator[Callable[[], None]]:
    """While the block runs, remember interrupts; yields what raises again those that got lost.

    A signal's handler raises wherever the main thread happens to be. In a hook of fork, or below
    an extension module that looks whether pandas is there, such an exception is dropped, and the
    run would go on as if nobody had said anything. Outside the main thread nothing is kept.
    """
    received: list[int] = []
    handlers: Mapping[int, Callable[[int, FrameType | None], object]] = {}
    if threading.current_thread() is threading.main_thread():
        known = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        handlers = {number: handler for number, handler in known.items() if callable(handler)}

    def remember(number: int, frame: FrameType | None) -> None:
        received.append(number)
        handlers[number](number, frame)

    def raise_lost() -> None:
        while received:
            lost = received.pop(0)
            handlers[lost](lost, None)

    for wanted in handlers:
        signal.signal(wanted, remember)
    try:
        yield raise_lost
    finally:
        for wanted, handler in handlers.items():
            signal.signal(wanted, handler)
