"""The one-liners of docs/cache.md open a cached layer in other tools."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featrank.cache.key import FeatureKey
from featrank.cache.manifest import Manifest
from featrank.cache.store import FeatureStore
from featrank.records import FloatArray

PAGE = (Path(__file__).parents[2] / "docs" / "cache.md").read_text()
LINES = re.findall(r"^(table = (\w+)\..*LAYER.*)$", PAGE, re.MULTILINE)


def test_there_is_a_line_for_each_tool() -> None:
    assert [tool for _, tool in LINES] == ["pandas", "polars", "duckdb"]


@pytest.mark.parametrize(("line", "tool"), LINES, ids=[tool for _, tool in LINES])
def test_the_line_gives_the_rows(
    fill_layers: Callable[..., list[Manifest]], store: FeatureStore, key: FeatureKey,
    values: FloatArray, line: str, tool: str,
) -> None:  # fmt: skip
    fill_layers([key])
    names: dict[str, Any] = {tool: importlib.import_module(tool)}
    code = line.replace("LAYER", str(store.directory(key)))
    exec(code, names)  # our own page
    table = names["table"]
    features = np.stack([np.asarray(row) for row in table["features"]])
    order = np.argsort(np.asarray(table["id"]).astype(str))
    np.testing.assert_array_equal(features[order], values)
    assert set(table["class_name"]) == {"cat", "dog"}
