"""How many threads linear algebra runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# Multiply-adds, about 10 ms on a core: below that threads cost more than they do.
_WORTH_SHARING = 1e8


@contextmanager
def threads_for(multiply_adds: float) -> Iterator[None]:
    """One BLAS thread where a step of an iteration is too short to be shared.

    Thousands of such steps wait for the slower thread each time. Where other work keeps the
    processors busy that has cost 26 times the time of the steps (`linear` on 600 × 1280, 10
    classes).

    Args:
        multiply_adds: Of the largest product in a step.
    """
    if multiply_adds >= _WORTH_SHARING:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield
