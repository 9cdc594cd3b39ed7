"""No command waits for a pipe that nobody writes to, wherever a user may name a file."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from result_documents import small_document

Main = Callable[..., Any]

RANK = ("rank", "--dataset", "digits", "--limit-per-class", "2", "--dry-run", "--models")
ROOTS_OWN = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
READ = {
    "table": ("table", "{}.json"),
    "table, one of two": ("table", "r.json", "{}.json"),
    "gate": ("gate", "{}.json", "--fail-under", "gda=0"),
    "baseline": ("gate", "r.json", "--baseline", "{}.json", "--max-drop", "gda:2%"),
    "config": ("table", "r.json", "--config", "{}.toml"),
    "list of models": (*RANK, "@{}"),
    "checkpoint": (*RANK, "test_resnet@{}.pth"),
    "index of shards": (*RANK, "test_resnet@{}.safetensors.index.json"),
    "features": ("score", "{}.npz"),
    "columns": ("score", "{}.parquet"),
    **{
        f"data set {suffix}": ("rank", "--dataset", f"{{}}.{suffix}", "--models", "random:test_vit")
        for suffix in ("csv", "tsv", "parquet", "arrow", "tar", "tar.gz", "zip", "npz", "json")
    },
    "shards": ("rank", "--dataset", "{}*.tar", "--models", "random:test_vit"),
    "classes of Roboflow": (
        "rank",
        "--dataset",
        "folder/_classes.csv",
        "--models",
        "random:test_vit",
    ),
}
WRITTEN = {
    "-o": ("table", "r.json", "-o", "{}.json"),
    "junit": ("gate", "r.json", "--junit", "{}.xml", "--fail-under", "gda=0"),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.json").write_text(json.dumps(small_document()))


def pipes(arguments: tuple[str, ...]) -> list[str]:
    """The arguments, with a pipe at the name that is left open."""
    (name,) = [a for a in arguments if "{}" in a] or ["folder/{}"]
    Path("folder").mkdir()
    os.mkfifo("folder/_classes.csv")
    suffix = name.partition("}")[2].lstrip("*")
    os.mkfifo(f"pipe{suffix}")
    return [argument.format("pipe") for argument in arguments]


@pytest.mark.parametrize("what", READ)
def test_a_pipe_is_refused_where_a_file_is_read(what: str, cache_dir: Path) -> None:
    ended = featrank(*pipes(READ[what]), cache=cache_dir)
    assert ended.returncode in (2, 3), ended
    assert "error: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "pipe" in ended.stderr


@pytest.mark.parametrize("what", WRITTEN)
def test_a_pipe_is_not_replaced_where_a_file_is_written(what: str, featrank_main: Main) -> None:
    arguments = pipes(WRITTEN[what])
    ended = featrank_main(*arguments)
    assert ended.code == 2
    assert "a named pipe, not a file" in ended.err
    (pipe,) = Path().glob("pipe*")
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_pipe_of_the_step_summary_is_not_waited_for(
    featrank_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo("summary")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary")
    ended = featrank_main("table", "r.json", "--github")
    assert "cannot write the step summary: a named pipe" in ended.err


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_process_substitution_goes_on(cache_dir: Path) -> None:
    Path("flags.toml").write_text('by = "gda"')
    Path("names").write_text("random:test_vit # one")
    for line in (
        "table <(cat r.json)",
        "table /dev/stdin < r.json",
        "table r.json --config <(cat flags.toml)",
        "table r.json --config /dev/null",
        "gate <(cat r.json) --baseline <(cat r.json) --max-drop gda:2% --allow failed",
        f"{' '.join(RANK)} @<(cat names)".replace("@<(", "@/dev/fd/9 9< <("),
        f"{' '.join(RANK)} @- < names",
        f"{' '.join(RANK)} @- < <(cat names)",
        f"{' '.join(RANK)} @/dev/stdin < <(cat names)",
    ):
        ended = subprocess.run(
            ["bash", "-c", f'"$0" -m featrank {line}', sys.executable],
            capture_output=True, text=True, timeout=300, check=False,
            env={**os.environ, "FEATRANK_CACHE": str(cache_dir)},
        )  # fmt: skip
        assert ended.returncode in (0, 3), (line, ended)
        assert "error" not in ended.stderr.replace("failed", ""), (line, ended)


def test_a_list_without_end_is_refused(cache_dir: Path) -> None:
    with Path("/dev/zero").open() as endless:
        ended = featrank(*RANK, "@-", cache=cache_dir, stdin=endless)
    assert ended.returncode == 2
    assert "--models @-: longer than" in ended.stderr


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="no setpriv")
@pytest.mark.parametrize(("depth", "mode"), [(1, 0), (2, 0), (3, 0), (3, 0o444)])
def test_a_closed_folder_of_the_cache_is_said(
    featrank_main: Main, cache_dir: Path, depth: int, mode: int
) -> None:
    """Neither empty nor whole nor incomplete: nobody knows what is in it."""
    extract = ("extract", "--dataset", "digits", "--limit-per-class", 2, "--workers", 0, "-q")
    assert featrank_main(*extract, "--models", "random:test_vit").code == 0
    folder = sorted(cache_dir.glob("/".join(["features", "*", "*"][:depth])))[0]
    key = sorted(cache_dir.glob("features/*/*"))[0].name.rpartition(".")[2]
    before = folder.stat().st_mode
    folder.chmod(mode)
    try:
        for command in (
            ("list",),
            ("list", "--json"),
            ("verify",),
            ("show", key),
            ("show", "nosuch"),
            ("prune", "--older-than", "0s", "--dry-run"),
        ):
            ended = featrank("cache", *command, cache=cache_dir, by=own_rights())
            assert ended.returncode == 3, (command, ended)
            assert f"cannot be read, first {folder}" in ended.stderr or command == ("verify",)
            assert "Permission denied" in ended.stderr + ended.stdout
            assert "error: " in ended.stderr
            assert "Traceback" not in ended.stderr
    finally:
        folder.chmod(before)
    assert featrank("cache", "verify", cache=cache_dir).returncode == 0


def own_rights() -> list[str]:
    """What starts a program that permissions stop, though it is root's."""
    return ROOTS_OWN if os.geteuid() == 0 else []


def featrank(
    *arguments: str, cache: Path, by: list[str] | None = None, stdin: Any = subprocess.DEVNULL
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*(by or []), sys.executable, "-m", "featrank", *arguments],
        capture_output=True, text=True, timeout=300, check=False, stdin=stdin,
        env={**os.environ, "FEATRANK_CACHE": str(cache), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
