"""The documented way to add a metric works as it is documented."""

import re
from pathlib import Path

import numpy as np
import pytest

import featrank.metrics
from featrank.metrics import Metric
from featrank.registry import Registry

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()


def test_the_documented_file_is_a_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert code is not None
    (tmp_path / "total_variance.py").write_text(code[1])
    monkeypatch.setattr(featrank.metrics, "__path__", [*featrank.metrics.__path__, str(tmp_path)])
    registry: Registry[Metric] = Registry("featrank.metrics", "METRIC", "metric")
    features = np.random.default_rng(0).normal(size=(20, 3))
    assert registry.get("total_variance")(features, [0, 1] * 10) == pytest.approx(
        features.var(axis=0).sum()
    )


def test_every_room_has_its_row() -> None:
    root = Path(featrank.metrics.__file__).parents[1]
    rooms = {
        p.name for p in root.iterdir() if not p.name.startswith("_") and p.suffix in ("", ".py")
    }
    for room in rooms:
        assert f"`{room}`" in TEXT or f"`{room}/`" in TEXT
