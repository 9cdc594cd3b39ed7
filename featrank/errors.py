"""Every error a user may meet: what happened, what to do next, and how the process ends."""

from __future__ import annotations


class FeatrankError(Exception):
    """An expected failure.

    Args:
        message: What went wrong and why, one line.
        hint: The next command or setting to try, one line; empty when there is none.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(FeatrankError):
    """Asked wrongly: usage, configuration or bad input (exit 2)."""

    exit_code = 2


class IncompleteError(FeatrankError):
    """Could not complete: a model failed, weights out of reach, a damaged cache (exit 3)."""


class PluginError(IncompleteError):
    """The code of another package, added by an entry point, failed; the message names it."""


class DeviceLostError(FeatrankError):
    """A GPU that this process can no longer use: no model's fault, so the run ends (exit 3)."""


def forget_frames(error: BaseException) -> None:
    """Keep an error's words only: its frames, and those of its causes, hold all they worked on."""
    # One after the other: on Python 3.12 the frames of a cause may hold that cause.
    rest: list[BaseException | None] = [error]
    while rest:
        known = rest.pop()
        if known is not None:
            rest += [known.__cause__, known.__context__]
            known.__traceback__ = known.__cause__ = known.__context__ = None
