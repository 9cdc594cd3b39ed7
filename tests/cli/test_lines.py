import logging
import warnings

import pytest

from featrank.cli._lines import put, tell, told_logs

NAME = "::error::a\x1b\n##[error]b\udc80"
SAFE = r"\x3a:error::a\x1b\n\x23#[error]b\udc80"


def test_a_line_is_one_line_and_no_order(capfd: pytest.CaptureFixture[str]) -> None:
    put(NAME)
    tell(NAME)
    assert capfd.readouterr() == (f"{SAFE}\n", f"{SAFE}\n")


def test_logs_warnings_and_tracebacks_are_talk_too(capfd: pytest.CaptureFixture[str]) -> None:
    # As the command line is run: nobody else is asked how a warning is shown.
    with warnings.catch_warnings(), told_logs():
        warning = warnings.formatwarning(UserWarning("a\n::b"), UserWarning, "", 1)
        assert warning == "warning: a\\n::b\n"
        log = logging.getLogger("of.a.library")
        log.warning("::%s", "a\x1b\n##[error]b")
        try:
            raise ValueError("a\n::error::b\x1b")
        except ValueError:
            log.warning("failed", exc_info=True)
    logging.getLogger("of.a.library").warning("after")
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.split("\n")
    assert lines[0] == r"\x3a:a\x1b\n\x23#[error]b"
    assert lines[1:3] == ["failed", "Traceback (most recent call last):"]
    assert lines[-3:] == ["ValueError: a", r"\x3a:error::b\x1b", ""]
