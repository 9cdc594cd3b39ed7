"""Metrics from other packages, which are installed as an installer leaves them."""

from __future__ import annotations

import importlib
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featrank.cache.scores import ScoreStore
from featrank.errors import IncompleteError, InputError
from featrank.labelled.feature_source import ArraySource
from featrank.labelled.labelled import Labelled
from featrank.metrics import METRICS, Metric
from featrank.metrics._plugins import load_plugins
from featrank.records import Features, Score
from featrank.registry import Registry
from featrank.scoring.score import score_features

FEATURES = np.random.default_rng(0).standard_normal((20, 4))
LABELS = np.arange(20) % 2

SOURCE = '''
import numpy as np
from featrank.metrics import gda, Metric
from featrank.records import Score


def compute(labelled, *, power=1):
    """Largest value to a power.

    Args:
        power: The power.
    """
    return Score(labelled.features.max() ** power, details={"n": np.int64(3).item()})


METRIC = Metric(
    name="largest_value",
    summary="the largest value",
    paper="none",
    version=4,
    higher_is_better=True,
    predicts="few-shot",
    compute=compute,
    params={"power": 1},
)
'''

# Ours, found before any package is installed.
BUILT_IN = METRICS.names()

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution of one module; it is on the path until the test ends."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    installed = []

    def run(
        source: str = SOURCE, *, package: str = "big-values", version: str = "1.2",
        points: str | None = None,
    ) -> Path:  # fmt: skip
        module = package.replace("-", "_")
        installed.append(module)
        (site / f"{module}.py").write_text(source)
        info = site / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(
            points or f"[featrank.metrics]\n{module} = {module}:METRIC\n"
        )
        importlib.invalidate_caches()
        return site

    yield run
    for name in installed:
        sys.modules.pop(name, None)


def registry() -> Registry[Metric]:
    return Registry("featrank.metrics", "METRIC", "metric", load_plugins)


@pytest.mark.parametrize("value", ["big_values:METRIC", "big_values"])
def test_an_installed_package_adds_a_metric(install: Install, value: str) -> None:
    install(points=f"[featrank.metrics]\nany_name = {value}\n")
    metric = registry().get("largest_value")
    assert metric(FEATURES, LABELS) == FEATURES.max()
    assert metric(FEATURES, LABELS, power=2) == FEATURES.max() ** 2
    assert metric.origin == "big-values 1.2"
    assert registry().names() == [*BUILT_IN, "largest_value"]


def test_its_package_and_version_are_in_the_key_of_its_scores(
    install: Install, tmp_path: Path
) -> None:
    install()
    metric = registry().get("largest_value")
    features = Features(FEATURES, LABELS, ("a", "b"))
    (scored,) = score_features(ArraySource(features), [metric])
    store = ScoreStore(tmp_path, "digest")
    store.put(scored)
    kept = store.get(metric.name, 4, metric.params, origin="big-values 1.2")
    assert kept == scored
    assert store.get(metric.name, 4, metric.params, origin="big-values 1.3") is None


BROKEN = {
    "raises": ("raise OSError('no licence')", "OSError"),
    "exits": ("import sys; sys.exit(3)", "SystemExit"),
    "no metric": ("METRIC = 7", "is no Metric but int"),
    "syntax": ("def", "SyntaxError"),
    "nothing there": ("", "AttributeError"),
    "taken name": (SOURCE.replace("largest_value", "gda"), "'gda' is built in"),
    "path as name": (SOURCE.replace("largest_value", "../x"), "no name for a metric"),
    "all": (SOURCE.replace("largest_value", "all"), "no name for a metric"),
    "no bounds": (SOURCE.replace("params=", "bounds=None, params="), "bounds must be two numbers"),
    "no summary": (SOURCE.replace('"the largest value"', "None"), "summary must be str"),
    "words for a direction": (
        SOURCE.replace("higher_is_better=True", 'higher_is_better="lower"'),
        "higher_is_better must be bool",
    ),
    "needs": (SOURCE.replace("params=", 'needs="luck", params='), "needs must be"),
    "parameters": (SOURCE.replace('"power": 1}', '"power": object}'), "not JSON serializable"),
}


@pytest.mark.parametrize(("source", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_one_is_a_warning_that_names_the_package(
    install: Install, caplog: pytest.LogCaptureFixture, source: str, said: str
) -> None:
    install(source)
    install(package="good-values")
    names = registry().names()
    assert names == [*BUILT_IN, "largest_value"]
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warning.startswith("warning: plug-in big_values of big-values 1.2 is left out: ")
    assert said in warning


def test_unreadable_entry_points_are_a_warning_too(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install(points="[featrank.metrics]\nno equals sign\n")
    install(package="good-values")
    assert "largest_value" in registry().names()
    assert "big-values 1.2 is left out" in caplog.text


def test_of_two_with_one_name_the_second_is_refused(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install(package="b-values", version="2")
    install(package="a-values", version="1")
    assert registry().get("largest_value").origin == "a-values 1"
    assert "b-values 2 is left out: the metric 'largest_value' comes from a-values 1" in caplog.text


@pytest.mark.parametrize(
    "returned",
    ["1 / 0", "7", "Score('x')", "Score(1.0, details={'x': np.float32(1)})",
     "Score(1.0, details={'x': float('nan')})"],
)  # fmt: skip
def test_what_fails_while_scoring_is_the_reason_of_its_cell(
    install: Install, returned: str
) -> None:
    start = SOURCE.index("    return Score(")
    source = SOURCE[:start] + f"    return {returned}\n" + SOURCE[SOURCE.index("\n\nMETRIC") :]
    install(source)
    metric = registry().get("largest_value")
    with pytest.raises(IncompleteError, match=r"the plug-in big-values 1\.2 failed"):
        metric.score(Labelled.from_arrays(FEATURES, LABELS))
    features = Features(FEATURES, LABELS, ("a", "b"))
    broken, good = score_features(ArraySource(features), [metric, METRICS.get("gda")])
    assert "big-values 1.2 failed" in broken.reason
    assert good.score is not None


def test_its_own_refusals_and_values_out_of_bounds_are_named(install: Install) -> None:
    source = SOURCE.replace("    params={", "    bounds=(0.0, 1.0),\n    params={")
    install(source)
    with pytest.raises(IncompleteError, match="left its bounds"):
        registry().get("largest_value")(FEATURES, LABELS)
    with pytest.raises(InputError, match="only one class"):
        registry().get("largest_value")(FEATURES, [1] * 20)


def test_the_program_has_it(install: Install, featrank_process: Any, tmp_path: Path) -> None:
    site = install()
    install("raise OSError", package="worse-values")
    np.savez(tmp_path / "f.npz", features=FEATURES, labels=LABELS)
    ended = featrank_process(
        "score", tmp_path / "f.npz", "--metrics", "largest_value,ncm", "-o", tmp_path / "r.json",
        PYTHONPATH=str(site),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "largest_value ↑" in ended.stdout
    assert (
        "warning: plug-in worse_values of worse-values 1.2 is left out: OSError()" in ended.stderr
    )
    assert '"origin": "big-values 1.2"' in (tmp_path / "r.json").read_text()


def test_importing_by_name_works_and_ours_come_first(install: Install) -> None:
    site = install()
    code = (
        "from featrank.metrics import largest_value, gda, METRICS;"
        "print(largest_value.origin, repr(gda.origin), METRICS.names()[-1])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": f"{site}:{':'.join(p for p in sys.path if p)}"},
    )  # fmt: skip
    assert run.stdout == "big-values 1.2 '' largest_value\n"


RUNS = {
    "writes": ("labelled.features[:] *= 2", "read-only"),
    "exits": ("import sys; sys.exit(0)", r"SystemExit\(0\)"),
    "nan tie-break": ("return Score(1.0, float('nan'))", "the tie-break is nan"),
    "nan": ("return Score(float('nan'))", "the score is nan, says big-values 1.2"),
}


@pytest.mark.parametrize(("line", "said"), RUNS.values(), ids=RUNS.keys())
def test_what_one_does_wrong_is_its_own_cells_reason(
    install: Install, line: str, said: str
) -> None:
    head, _, tail = SOURCE.partition("    return ")
    install(f"{head}    {line}\n    return {tail}")
    metrics = [METRICS.get("tmi_var"), registry().get("largest_value"), METRICS.get("tmi")]
    features = Features(FEATURES, LABELS, ("a", "b"))
    first, theirs, last = score_features(ArraySource(features), metrics)
    assert theirs.score is None
    assert re.search(said, theirs.reason)
    assert [first, last] == score_features(ArraySource(features), [metrics[0], metrics[2]])


def test_bounds_that_are_none_are_its_cells_reason(install: Install) -> None:
    install(SOURCE.replace("params=", "bounds_for=lambda labelled: 7, params="))
    metric = registry().get("largest_value")
    (scored,) = score_features(ArraySource(Features(FEATURES, LABELS, ("a", "b"))), [metric])
    assert "bounds must be two numbers" in scored.reason


def test_a_number_beyond_its_bounds_names_the_package(install: Install) -> None:
    install(SOURCE.replace("params=", "bounds=(0.0, 0.1), params="))
    metric = registry().get("largest_value")
    (scored,) = score_features(ArraySource(Features(FEATURES, LABELS, ("a", "b"))), [metric])
    assert "of big-values 1.2 left its bounds" in scored.reason


def test_what_one_prints_is_talk(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    head, _, tail = SOURCE.partition("    return ")
    install(f"print('loaded')\n{head}    print('scoring')\n    return {tail}")
    registry().get("largest_value")(FEATURES, LABELS)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.split() == ["loaded", "scoring"]


def test_an_interval_and_remarks_come_through(install: Install) -> None:
    line = "return Score(0.5, interval=(np.float32(0.25), 1), remarks=['few images'])"
    head, _, tail = SOURCE.partition("    return ")
    install(f"{head}    {line}\n    return {tail}")
    source = ArraySource(Features(FEATURES, LABELS, ("a", "b")))
    (scored,) = score_features(source, [registry().get("largest_value")])
    assert scored.score == Score(0.5, interval=(0.25, 1.0), remarks=("few images",))


@pytest.mark.parametrize("interval", ["(1, 0)", "(0, float('inf'))", "(1,)", "'ab'"])
def test_an_interval_that_is_none_is_its_cells_reason(install: Install, interval: str) -> None:
    head, _, tail = SOURCE.partition("    return ")
    install(f"{head}    return Score(0.5, interval={interval})\n    return {tail}")
    source = ArraySource(Features(FEATURES, LABELS, ("a", "b")))
    (scored,) = score_features(source, [registry().get("largest_value")])
    assert scored.score is None
    assert scored.reason
