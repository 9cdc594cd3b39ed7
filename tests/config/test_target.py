from __future__ import annotations

import pytest

from featrank.config import Listing, RunConfig
from featrank.config.target import LAYOUTS
from featrank.errors import InputError


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    assert RunConfig("d", ("m",), listing=Listing(layout=layout)).document["layout"] == layout


def test_what_is_out_of_range_names_the_flag() -> None:
    with pytest.raises(InputError, match="--layout 'folders' is unknown"):
        RunConfig("d", ("m",), listing=Listing(layout="folders"))
    with pytest.raises(InputError, match="--class-depth must be at least 1"):
        RunConfig("d", ("m",), listing=Listing(class_depth=0))
