"""What a model hub's refusals and silences mean, in one line each."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from featrank.errors import IncompleteError
from featrank.storage.refusals import way_out

WAYS_OUT = (
    "set HF_ENDPOINT to a reachable mirror, prefetch where there is a network (featrank models "
    "NAME --prefetch), copy the hub cache and set HF_HUB_OFFLINE=1, or give a checkpoint: "
    "NAME@FILE.safetensors"
)


def host() -> str:
    """The hub's address without credentials."""
    from huggingface_hub import constants

    parts = urlsplit(constants.ENDPOINT)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def response_of(error: BaseException) -> Any | None:
    """The HTTP response that an error of the hub's client, or its cause, carries."""
    current: BaseException | None = error
    while current is not None:
        response = getattr(current, "response", None)
        if isinstance(getattr(response, "status_code", None), int):
            return response
        current = current.__cause__
    return None


def status_of(error: BaseException) -> int | None:
    """The status of that response."""
    response = response_of(error)
    return None if response is None else int(response.status_code)


def failure(repository: str, error: Exception) -> IncompleteError:
    """What the hub's client raised, in one line."""
    status = status_of(error)
    if status is not None:
        return _refusal(repository, status)
    if isinstance(error, OSError) and error.errno is not None and error.filename:
        return IncompleteError(
            f"cannot store {repository}: {error.strerror}", way_out(error, "set HF_HOME")
        )
    if "Consistency check failed" in str(error):
        return IncompleteError(
            f"{host()} sent {repository} with another size than it announced", "run again"
        )
    return IncompleteError(f"{host()} did not answer ({_reason(error)})", WAYS_OUT)


def no_more_requests() -> IncompleteError:
    """The hub's wish for fewer requests, which outlasts this process's patience."""
    return IncompleteError(
        f"{host()} wants fewer requests ({HTTPStatus.TOO_MANY_REQUESTS})",
        f"wait, set HF_TOKEN, or {WAYS_OUT}",
    )


def _refusal(repository: str, status: int) -> IncompleteError:
    """What an answer other than the file means."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        what = f"refused access to {repository} ({status}): gated, private or no such model"
        return IncompleteError(
            f"{host()} {what}", f"set HF_TOKEN to a token that may read it, or {WAYS_OUT}"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return no_more_requests()
    if status == HTTPStatus.NOT_FOUND:
        what = f"has no {repository}"
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        what = f"failed to serve {repository}"
    else:
        what = f"rejected the request for {repository}"
    return IncompleteError(f"{host()} {what} ({status})", WAYS_OUT)


def _reason(error: Exception) -> str:
    """The first line of an error, without addresses: they may carry tokens."""
    lines = re.sub(r"\w+://\S+", "...", str(error)).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
