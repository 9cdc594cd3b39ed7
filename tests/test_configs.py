"""The shipped configurations, and the CI jobs of docs/ci-and-batch.md, run as they stand."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Main = Callable[..., Any]
ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "ci-and-batch.md").read_text()
FEW = ("--limit-per-class", 2, "--workers", 0)


@pytest.fixture(scope="module")
def scratch(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cache that these tests share."""
    folder = tmp_path_factory.mktemp("scratch")
    shutil.copytree(indexed, folder / "featrank")
    return folder


@pytest.fixture
def featrank(featrank_main: Main, scratch: Path, tmp_path: Path, monkeypatch: Any) -> Main:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def run(command: str, *arguments: object) -> Any:
        cache = () if command in ("gate", "table") else ("--cache-dir", scratch / "featrank")
        return featrank_main(command, *arguments, *cache)

    return run


def config(name: str) -> Path:
    return ROOT / "configs" / f"{name}.toml"


def test_quickstart(featrank: Main) -> None:
    ended = featrank("rank", "--config", config("quickstart"), *FEW)
    assert ended.code == 0, ended.err
    document = json.loads(Path("result.json").read_text())
    assert len(document["rows"]) == 4
    assert document["target"]["n_images"] == 12
    assert Path("report.html").read_text().startswith("<!doctype html>")


def test_ci_gate(featrank: Main) -> None:
    rank = ("rank", "--config", config("ci-gate"), *FEW)
    assert featrank(*rank, "-o", "baseline.json").code == 0
    assert not Path("result.json").exists()
    assert featrank(*rank).code == 0
    ended = featrank("gate", "--config", config("ci-gate"), "--fail-under", "gda=0")
    assert ended.code == 0, ended.out
    assert "3 of 3 shared models hold" in ended.out
    assert Path("gate.xml").read_text().count("<testcase") == 5
    assert featrank("gate", "--config", config("ci-gate"), "--fail-under", "gda=1").code == 1


def test_batch(featrank: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # where its list of models is
    files = [tmp_path / "1.json", tmp_path / "4.json"]
    for i, file in zip((1, 4), files, strict=True):
        rank = ("rank", "--config", config("batch"), *FEW, "--shard", f"{i}/4", "-o", file)
        ended = featrank(*rank)
        assert ended.code == 0, ended.err
        assert ended.err == ""
    ended = featrank("table", *files, "-o", tmp_path / "result.json")
    document = json.loads((tmp_path / "result.json").read_text())
    assert document["config"]["metrics"] == ["gda", "nb", "tmi_norm"]
    assert len(document["candidates"]) == 4
    assert document["partial"] is True


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def containing(language: str, text: str) -> str:
    (found,) = [block for block in blocks(language) if text in block]
    return found


@pytest.fixture
def shell(scratch: Path, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A shell where ``featrank`` is this one, on few images, in a folder with the configuration."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "featrank").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m featrank "$@"\n'
    )
    (tmp_path / "bin" / "featrank").chmod(0o755)
    (tmp_path / "work").mkdir()
    shutil.copytree(ROOT / "configs", tmp_path / "work" / "configs")
    shutil.copy(config("ci-gate"), tmp_path / "work")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "FEATRANK_"))}
    environment = {
        **inherited, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "SCRATCH": str(scratch),
        "FEATRANK_CACHE": str(scratch / "featrank"), "FEATRANK_WORKERS": "0",
        "FEATRANK_LIMIT_PER_CLASS": "2", "FEATRANK_FAIL_UNDER": "gda=0.2",
    }  # fmt: skip

    def run(script: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", script], cwd=tmp_path / "work", env={**environment, **more},
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip

    return run


def test_the_readmes_workflow_step_by_step(shell: Any, tmp_path: Path) -> None:
    once = containing("sh", "baseline.json")
    job = yaml.safe_load(containing("yaml", "runs-on"))["jobs"]["gate"]
    gitlab = yaml.safe_load(containing("yaml", "junit"))["backbone"]
    steps = [step["run"] for step in job["steps"] if step.get("run", "").startswith("featrank")]
    assert [line for line in gitlab["script"] if line.startswith("featrank")] == steps
    rank, gate = steps
    work, summary = tmp_path / "work", tmp_path / "summary.md"
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}

    assert shell(gate, **actions).returncode == 2  # no result, no baseline: no pass
    made = shell(once)
    assert made.returncode == 0, made.stderr
    baseline = (work / "baseline.json").read_bytes()

    ranked = shell(rank, **actions)
    assert ranked.returncode == 0, ranked.stderr
    passed = shell(gate, **actions)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "gate: passed" in passed.stdout
    assert "::error" not in passed.stderr

    worse = {**actions, "FEATRANK_MODELS": "random:tf_efficientnet_lite0"}
    assert shell(rank, **worse).returncode == 0
    failed = shell(gate, **worse)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "best, random:tf_efficientnet_lite0 after tf_efficientnet_lite" in failed.stdout
    assert "::error title=featrank gate%3A fail::" in failed.stderr
    assert "gate: failed" in summary.read_text()
    assert (work / "baseline.json").read_bytes() == baseline


def test_the_readmes_array_job(shell: Any, tmp_path: Path) -> None:
    script, join = containing("bash", "SBATCH"), containing("sh", "shard-*.json")
    for task in ("1", "4"):
        ended = shell(script, SLURM_ARRAY_TASK_ID=task, SLURM_ARRAY_TASK_COUNT="4")
        assert ended.returncode == 0, ended.stderr
    joined = shell(join)
    assert joined.returncode == 0, joined.stderr
    document = json.loads((tmp_path / "work" / "result.json").read_text())
    assert {row["model"].partition(":")[0] for row in document["rows"]} == {"package", "random"}
    assert (tmp_path / "work" / "report.html").exists()
