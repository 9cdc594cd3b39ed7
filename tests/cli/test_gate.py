"""``featrank gate``: what is asked wrongly, and where the verdict is written."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from result_documents import three_models

Main = Callable[..., Any]
DROP = ("--baseline", "base.json", "--max-drop", "gda:2%")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no condition": ((), "nothing to judge"),
    "no baseline named": (("--max-drop", "gda:2%"), "--max-drop without a baseline"),
    "no such baseline": (("--baseline", "no.json", "--max-drop", "gda:2%"), "cannot read no.json"),
    "baseline is no JSON": (("--baseline", "torn.json", "--max-drop", "gda:2%"), "is not JSON"),
    "baseline is no result": (("--baseline", "list.json", "--min-tau", "0"), "is no result"),
    "baseline of the future": (("--baseline", "v2.json", "--min-tau", "0"), "schema version 2"),
    "baseline with NaN": (("--baseline", "nan.json", "--min-tau", "0"), "nan"),
    "baseline without rows": (("--baseline", "rowless.json", "--min-tau", "0"), "no whole result"),
    "no such metric": (("--fail-under", "gdb=0.1"), "did you mean gda"),
    "no such metric by": (
        ("--candidate", "alpha", "--beats", "beta", "--by", "x"),
        "no such metric",
    ),
    "candidate alone": (("--candidate", "alpha"), "go together"),
    "drop of nothing": ((*DROP[:2], "--max-drop", "gda"), "METRIC:DROP"),
    "allow what": (("--expect-top", "alpha", "--allow", "partal"), "did you mean partial"),
    "format": (("--expect-top", "alpha", "--format", "csv"), "no such format"),
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_asked_wrongly(
    featrank_main: Main, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    text = json.dumps(three_models())
    rowless = {key: value for key, value in three_models().items() if key != "rows"}
    files = {
        "r": text, "base": text, "torn": text[:-9], "list": "[1]",
        "v2": text.replace('"schema_version": 1', '"schema_version": 2'),
        "nan": text.replace("0.9", "NaN"), "rowless": json.dumps(rowless),
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(content)
    ended = featrank_main("gate", "r.json", *arguments)
    assert ended.code == 2, ended.out + ended.err
    assert said in ended.err + ended.out
    assert "hint: " in ended.err
    assert "Traceback" not in ended.err


def test_a_missing_baseline_can_be_allowed(featrank_main: Main, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps(three_models()))
    ended = featrank_main("gate", "r.json", *DROP, "--allow", "missing-baseline")
    assert ended.code == 0
    assert "there is none to compare with" in ended.out


@pytest.mark.parametrize(("name", "code"), [("alpha", 0), ("beta", 1), ("delta", 3)])
def test_json_markdown_junit_and_annotations_say_the_same(
    featrank_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    (tmp_path / "r.json").write_text(json.dumps(three_models()))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    ended = featrank_main(
        "gate", "r.json", "--expect-top", name, "--format", "json", "--junit", "j.xml"
    )
    assert ended.code == code
    document = json.loads(ended.out)
    assert (document["exit_code"], document["passed"]) == (code, code == 0)
    assert document["summary"] in (tmp_path / "summary.md").read_text()
    suite = ET.parse(tmp_path / "j.xml").getroot()[0]
    counts = {0: ("0", "0"), 1: ("1", "0"), 3: ("0", "1")}[code]
    assert (suite.get("failures"), suite.get("errors")) == counts
    assert ("::error title=featrank gate" in ended.err) is (code != 0)
    assert "::error" not in ended.out


def test_it_imports_nothing_heavy(featrank_process: Any, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps(three_models()))
    arguments = ("gate", tmp_path / "r.json", "--baseline", tmp_path / "r.json", "--min-tau", "0.8")
    loaded = featrank_process(*arguments, "--max-drop", "gda:2%", PYTHONPROFILEIMPORTTIME="1")
    assert loaded.returncode == 0, loaded.stderr
    imported = {line.split("|")[-1].strip().split(".")[0] for line in loaded.stderr.splitlines()}
    assert "rich" in imported
    assert not imported & {"torch", "torchvision", "timm", "sklearn", "scipy", "pandas", "pyarrow"}
