from __future__ import annotations

from importlib.metadata import version

import pytest

import featrank


def test_the_version_is_that_of_the_package() -> None:
    assert featrank.__version__ == version("featrank")


def test_there_is_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        featrank.nothing  # noqa: B018
