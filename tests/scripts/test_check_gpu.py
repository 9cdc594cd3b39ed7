"""The checks of the GPU path, small and on the CPU; and that what does not hold is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import check_gpu  # type: ignore[import-not-found, unused-ignore]

    return check_gpu


def test_all_holds_on_a_cpu(tmp_path: Path) -> None:
    ended = subprocess.run(
        [
            *(sys.executable, SCRIPTS / "check_gpu.py", "--device", "cpu", "--quick"),
            *("--json", tmp_path / "found.json"),
        ],
        capture_output=True, text=True, timeout=570, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SCRIPTS.parent)},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    document = json.loads((tmp_path / "found.json").read_text())
    statuses = {check["name"]: check["status"] for check in document["checks"]}
    skipped = {"tests marked cuda", "TF32 would be seen", "uploads and waits"}
    assert {name for name, status in statuses.items() if status == "skipped"} == skipped
    assert {statuses[name] for name in statuses.keys() - skipped} == {"ok", "measured"}
    assert document["versions"]["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
    for name, status in statuses.items():
        assert f"| {name} | {status} |" in ended.stdout


def test_a_failure_ends_no_other_check_and_the_budget_keeps_what_was_found(
    script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gpu_checks.check import (  # type: ignore[import-not-found, unused-ignore]
        Check,
        Setting,
        held,
    )

    path = tmp_path / "found.json"
    seen: list[int] = []

    def crash(_: object) -> Any:
        raise ValueError("no such kernel\nmore")

    def fine(_: object) -> Any:
        seen.append(len(json.loads(path.read_text())["checks"]))
        return held(True, {"figure": 0.5})

    setting = Setting(torch.device("cpu"), True, tmp_path, 1)
    checks = [Check("one", "a", crash), Check("two", "b", fine)]
    assert script.run_checks(checks, setting, 60.0, path) == 1
    assert seen == [1]
    out = capsys.readouterr().out
    assert "| one | failed | a | ValueError: no such kernel |" in out
    assert "| two | ok | b | figure 0.5 |" in out
    assert script.run_checks(checks, setting, -1.0, path) == 3
    notes = [check["note"] for check in json.loads(path.read_text())["checks"]]
    assert notes == ["no time left"] * 2
    assert script.run_checks(checks[1:], setting, 60.0, path) == 0


def test_a_tensor_that_stays_is_seen(script: Any, tmp_path: Path) -> None:
    from unittest import mock

    from gpu_checks import memory  # type: ignore[import-not-found, unused-ignore]
    from gpu_checks.check import Setting  # type: ignore[import-not-found, unused-ignore]

    from featrank.extract.forward import Backbone

    kept: list[object] = []
    honest = Backbone._forward

    def keep(self: Backbone, pixels: torch.Tensor) -> Any:
        kept.append(pixels)
        return honest(self, pixels)

    setting = Setting(torch.device("cpu"), True, tmp_path, 1)
    with mock.patch.object(Backbone, "_forward", keep):
        assert memory.memory_is_given_back(setting).status == "failed"
    kept.clear()
    assert memory.memory_is_given_back(setting).status == "ok"


def test_a_device_that_is_not_there_is_no_verdict(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["check_gpu.py", "--device", "cuda"])
    assert script.main() == 3
    assert "'cuda' is not available" in capsys.readouterr().err
