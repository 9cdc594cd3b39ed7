"""The folder scan, and a metric's name as a function."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import featrank.metrics
from featrank.errors import InputError
from featrank.metrics import METRICS, Metric
from featrank.registry import Registry

FEATURES = np.random.default_rng(0).standard_normal((20, 4))
LABELS = np.arange(20) % 2


def test_every_metric_is_in_the_file_of_its_name():
    files = {path.stem for path in Path(featrank.metrics.__file__).parent.glob("*.py")}
    assert set(METRICS.names()) <= files
    assert {"tmi", "gda", "nb"} <= set(METRICS.names())


def test_the_name_is_a_function():
    from featrank.metrics import gda, nb, tmi

    for metric in (tmi, gda, nb):
        assert isinstance(metric(FEATURES, LABELS), float)


@pytest.mark.parametrize(
    "first",
    ["", "import featrank.metrics.tmi; ", "import featrank.metrics as m; list(m.METRICS); "],
)
def test_the_name_is_a_function_whatever_was_imported_first(first):
    code = f"{first}from featrank.metrics import tmi; print(type(tmi).__name__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "Metric\n"


def test_the_scan_imports_nothing_heavy():
    code = (
        "import sys; from featrank.metrics import METRICS; list(METRICS);"
        "print([name for name in ('torch', 'scipy', 'sklearn') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_modules_that_declare_nothing_stay_modules():
    from featrank.labelled import folds

    assert folds.stratified_folds.__name__ == "stratified_folds"


def test_unknown_names_are_errors():
    with pytest.raises(ImportError, match="no_such_metric"):
        from featrank.metrics import no_such_metric  # noqa: F401
    with pytest.raises(InputError, match="unknown metric 'gdaa'") as caught:
        METRICS.get("gdaa")
    assert "gda" in caught.value.hint


def test_a_new_file_is_a_new_metric(tmp_path, monkeypatch):
    (tmp_path / "first_value.py").write_text(
        """
from featrank.metrics import Metric
from featrank.records import Score

METRIC = Metric(
    name="first_value",
    summary="the first value",
    paper="none",
    version=1,
    higher_is_better=True,
    predicts="linear probe",
    compute=lambda labelled: Score(float(labelled.features[0, 0])),
)
"""
    )
    monkeypatch.setattr(featrank.metrics, "__path__", [*featrank.metrics.__path__, str(tmp_path)])
    fresh: Registry[Metric] = Registry("featrank.metrics", "METRIC", "metric")
    try:
        assert fresh.names() == sorted([*METRICS.names(), "first_value"])
        assert fresh.get("first_value")(FEATURES, LABELS) == FEATURES[0, 0]
    finally:
        sys.modules.pop("featrank.metrics.first_value", None)
        vars(featrank.metrics).pop("first_value", None)
