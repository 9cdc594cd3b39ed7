"""How long a process waits for a hub that wants fewer requests."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from featrank.zoos._hub_answers import response_of

T = TypeVar("T")

# All waits of a process together: what a hub asks for may be an hour, and for every model anew.
PATIENCE_S = 30.0
_UNNAMED_WAIT_S = 5.0
_WAITS = 3  # for one request


class Patience:
    """Waits where a hub says so, for as long as the process has patience; then no more."""

    def __init__(self) -> None:
        self._left = PATIENCE_S
        self._closed_until = -math.inf

    @property
    def is_asked_to_wait(self) -> bool:
        """Whether the hub asked for a time without requests that has not passed."""
        return time.monotonic() < self._closed_until

    def call(self, ask: Callable[[], T]) -> T:
        """What a request gives, repeated after a wait where the hub wants fewer of them.

        Raises:
            Exception: What the request raised, at the end of patience too.
        """
        for waits_left in reversed(range(_WAITS + 1)):
            heed_waits()
            try:
                return ask()
            except Exception as error:
                response = response_of(error)
                if getattr(response, "status_code", None) != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                wanted = _wanted(response)
                if self._left <= 0:
                    self._closed_until = time.monotonic() + wanted
                if self._left <= 0 or not waits_left:
                    raise
                wait = min(wanted, self._left)
                self._left -= wait
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")


def heed_waits() -> None:
    """Let the hub's client hand over what names a time to wait, rather than sleep for it.

    It would sleep as long as it is told, several times. Clients of older releases, which have no
    such hooks, wait for half a minute at most.
    """
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    hooks = getattr(get_session(), "event_hooks", None)
    if hooks is not None and _raise_rather_than_wait not in hooks["response"]:
        hooks["response"].append(_raise_rather_than_wait)


def _raise_rather_than_wait(response: Any) -> None:
    from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

    too_many = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    if too_many or (response.is_error and "Retry-After" in response.headers):
        hf_raise_for_status(response)


def _wanted(response: Any) -> float:
    """The seconds that an answer names."""
    named = str(response.headers.get("Retry-After", "")).strip()
    return float(named) if named.isdecimal() and len(named) < 10 else _UNNAMED_WAIT_S
