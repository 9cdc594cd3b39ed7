"""``featrank table``: saved results joined, and whole on a pipe and on a narrow terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from result_documents import document_of, row, score

Main = Callable[..., Any]

LONG = "vit_base_patch16_clip_224.laion2b_ft_in12k_in1k_and_then_some_more_words_of_its_name"


@pytest.fixture
def long_names(tmp_path: Path) -> Path:
    scores = {"gda": score(0.5, 1), "tmi": score(3.0, 1), "nb": score(0.1, 1)}
    path = tmp_path / "long.json"
    path.write_text(json.dumps(document_of([row(LONG, 1, scores), row("x", 2, scores)])))
    return path


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("table", "FILE"), {"COLUMNS": "80"}),
        (("table", "FILE"), {"TERM": "dumb"}),
        (("table", "FILE"), {"GITHUB_ACTIONS": "true"}),
        (("gate", "FILE", "--expect-top", LONG), {"NO_COLOR": "1"}),
        (("gate", "--help"), {"GITHUB_ACTIONS": "true"}),
        (("rank", "--nonsense"), {"GITHUB_ACTIONS": "true"}),
    ],
)
def test_a_pipe_gets_whole_names_and_no_escape_codes(
    featrank_process: Any, long_names: Path, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    named = [long_names if part == "FILE" else part for part in arguments]
    ended = featrank_process(*named, **environment)
    assert ended.returncode == (2 if "--nonsense" in arguments else 0)
    assert "\x1b" not in ended.stdout + ended.stderr
    if "FILE" in arguments:
        assert LONG in ended.stdout


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_of_80_columns_cuts_no_name(
    long_names: Path, cache_dir: Path, environment: dict[str, str]
) -> None:
    reader, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "featrank", "table", str(long_names)],
        stdout=terminal, stderr=terminal, stdin=terminal,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm", **environment},
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    try:
        while chunk := os.read(reader, 65536):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    os.close(reader)
    assert process.wait(30) == 0
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode())
    assert LONG in text
    assert "…" not in text
    if environment:
        assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown.decode())


def saved(path: Path, *names: str, candidates: tuple[str, ...] = (), **more: Any) -> Path:
    """A result of models that are the better the later in the alphabet their names stand."""
    rows = [row(name, i, {"gda": score(ord(name[0]) / 200, i)}) for i, name in enumerate(names, 1)]
    document = document_of(rows, **more)
    document["candidates"] = [f"timm:{name}" for name in candidates or names]
    path.write_text(json.dumps(document))
    return path


def test_results_are_joined_and_ranked_anew(featrank_main: Main, tmp_path: Path) -> None:
    files = [saved(tmp_path / "1.json", "c", "a"), saved(tmp_path / "2.json", "b", "d")]
    ended = featrank_main("table", *files, "--by", "gda", "-o", tmp_path / "all.json")
    assert (ended.code, ended.err) == (0, "")
    rows = json.loads((tmp_path / "all.json").read_text())["rows"]
    assert [(one["requested"], one["rank"]) for one in rows] == [
        ("d", 1), ("c", 2), ("b", 3), ("a", 4),
    ]  # fmt: skip
    ranked = [line.split()[:2] for line in ended.out.splitlines() if line[:3].strip().isdigit()]
    assert ranked == [["1", "d"], ["2", "c"], ["3", "b"], ["4", "a"]]


def test_models_without_a_row_make_it_partial(featrank_main: Main, tmp_path: Path) -> None:
    shards = [
        saved(tmp_path / f"{name}.json", name, candidates=("a", "b", "c")) for name in ("a", "b")
    ]
    ended = featrank_main("table", *shards, "--format", "json")
    assert ended.code == 0
    assert json.loads(ended.out)["partial"] is True
    assert "warning: these results are partial" in ended.err
    last = saved(tmp_path / "c.json", "c", candidates=("a", "b", "c"))
    ended = featrank_main("table", *shards, last, "--format", "json")
    assert json.loads(ended.out)["partial"] is False
    assert ended.err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.json",), "cannot read none.json"),
        (("torn.json",), "torn.json is not JSON"),
        (("a.json", "--by", "gdaa"), "--by gdaa is no column"),
        (("a.json", "-o", "all.xls"), "unknown format '.xls'"),
        (("a.json", "--format", "parquet"), "is for files only"),
        (("a.json", "--format", "png"), "unknown format 'png'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_asked_wrongly(
    featrank_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "a.json", "a")
    (tmp_path / "torn.json").write_text('{"schema_version": 1, ')
    ended = featrank_main("table", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "hint: " in ended.err


def test_one_damaged_result_never_hides_the_others(
    featrank_main: Main, long_names: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.json"
    damaged.write_text("{")
    ended = featrank_main("table", damaged, long_names, "-o", tmp_path / "all.json")
    assert ended.code == 3
    assert LONG in ended.out
    assert "left out: " in ended.err
    assert "1 of 2 results could not be read" in ended.err
    assert len(json.loads((tmp_path / "all.json").read_text())["rows"]) == 2
    assert featrank_main("table", damaged, damaged).code == 2
