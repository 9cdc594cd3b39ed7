import logging

import pytest

from featrank.cli._options import enable_debug


def test_tracebacks_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("featrank")
    monkeypatch.setattr(log, "level", logging.WARNING)
    enable_debug(False)
    assert log.level == logging.WARNING
    enable_debug(True)
    assert log.level == logging.DEBUG
