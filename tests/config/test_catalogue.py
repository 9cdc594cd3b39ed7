from __future__ import annotations

from typing import Any

import pytest

from featrank.config.catalogue import CatalogueConfig
from featrank.errors import InputError


def test_a_bound_on_parameters_is_a_number() -> None:
    assert CatalogueConfig(max_params="30M").most_params == 30e6
    assert CatalogueConfig().most_params is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_params": "many"}, "--max-params 'many' is not a number"),
        ({"sort": "size"}, "--sort 'size' is unknown"),
        ({"limit": 0}, "--limit must be at least 1"),
    ],
)
def test_what_is_out_of_range_names_the_flag(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        CatalogueConfig(**options)
