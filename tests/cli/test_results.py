"""Results of real runs: what they say, shards joined, and what a kill leaves."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from result_documents import validated

import featrank

Main = Callable[..., Any]
SMALL = ("--limit-per-class", 4, "--workers", 0)
MODELS = "random:test_resnet,random:test_vit,random:test_byobnet"


def test_json_says_everything(featrank_main: Main, images: Path, tmp_path: Path) -> None:
    arguments = ("rank", "--dataset", images, "--models", MODELS, *SMALL, "--seed", 3)
    assert featrank_main(*arguments, "-o", tmp_path / "r.json").code == 0
    document = validated((tmp_path / "r.json").read_text())
    stamp = document["stamp"]
    assert {"created", "python", "platform", "versions", "command"} <= set(stamp)
    assert (stamp["device"], stamp["precision"], stamp["seeds"]) == (
        "auto",
        "float32",
        {"subset": 3},
    )
    assert stamp["hashes"]["target"] == document["target"]["fingerprint"]
    assert document["config"]["models"] == MODELS.split(",") or document["config"]["models"] == [
        MODELS
    ]
    assert {"plan", "extract", "score", "total"} <= set(document["timings"])
    for found in document["rows"]:
        assert found["device"] == "cpu"
        assert re.fullmatch(r"[0-9a-f]{64}", found["weights"])
    assert document["candidates"] == MODELS.split(",")


class Started:
    """A run that goes on, with files to look at meanwhile."""

    def __init__(self, environment: dict[str, str], folder: Path, *arguments: object) -> None:
        with (folder / "talk").open("ab") as talk:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "featrank", *map(str, arguments)],
                stdout=talk, stderr=talk, env=environment, cwd=folder,
            )  # fmt: skip
        self.talk = folder / "talk"

    def until(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + 600
        while not what():
            assert self.process.poll() is None, self.talk.read_text()
            assert time.monotonic() < end, self.talk.read_text()
            time.sleep(0.02)


@pytest.fixture
def start(cache_dir: Path, tmp_path: Path) -> Iterator[Callable[..., Started]]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "FEATRANK_"))}
    environment |= {
        "FEATRANK_CACHE": str(cache_dir), "HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(Path(featrank.__file__).parents[1]), *sys.path]),
    }  # fmt: skip
    runs: list[Started] = []

    def run(*arguments: object) -> Started:
        runs.append(Started(environment, tmp_path, *arguments))
        return runs[-1]

    yield run
    for one in runs:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def rows_of(path: Path) -> list[Any]:
    return validated(path.read_text())["rows"] if path.exists() else []  # type: ignore[no-any-return]


def test_what_is_ended_leaves_a_valid_partial_result_and_the_rerun_completes_it(
    start: Callable[..., Started], featrank_main: Main, tmp_path: Path
) -> None:
    output, report = tmp_path / "r.json", tmp_path / "r.html"
    report.write_text("")
    output.write_text("{}")  # of another day, and never taken for this one
    arguments = (
        "rank", "--dataset", "clipart", "--models", "random:test_resnet,random:resnet50",
        "--metrics", "gda", "--workers", 0, "--batch-size", 4, "-o", output, "-o", report,
    )  # fmt: skip
    for number, code in ((signal.SIGTERM, 143), (signal.SIGKILL, -9)):
        run = start(*arguments)
        run.until(lambda: output.read_text() != "{}" and rows_of(output))
        run.until(lambda: "1 of 2 models to come" in report.read_text())
        run.process.send_signal(number)
        assert run.process.wait(600) == code
        document = validated(output.read_text())
        assert document["partial"] is True
        assert [row["model"] for row in document["rows"]] == ["random:test_resnet"]
        assert document["rows"][0]["scores"]["gda"]["value"] > 0
        assert document["candidates"] == ["random:test_resnet", "random:resnet50"]
        assert "1 of 2 models to come: random:resnet50" in report.read_text()
        gate = featrank_main("gate", output, "--fail-under", "gda=0")
        assert gate.code == 3
        assert "the result is partial: random:resnet50 to come" in gate.out
        output.write_text("{}")
        report.write_text("")
    assert [path.name for path in tmp_path.glob(".*.tmp")] == []
    shorter = [
        part if part != "random:test_resnet,random:resnet50" else MODELS for part in arguments
    ]
    assert featrank_main(*shorter).code == 0
    document = validated(output.read_text())
    assert document["partial"] is False
    statuses = {row["model"]: row["status"] for row in document["rows"]}
    assert statuses["random:test_resnet"] == "cached"
    assert len(statuses) == 3


def comparable(document: Any) -> list[Any]:
    """The rows without what differs between any two runs."""
    varying = ("images_per_second", "status", "note")
    return [{k: v for k, v in row.items() if k not in varying} for row in document["rows"]]


def test_two_shards_on_two_processes_joined_are_the_whole(
    start: Callable[..., Started], featrank_main: Main, cache_dir: Path, tmp_path: Path
) -> None:
    arguments = ("rank", "--dataset", "digits", "--models", MODELS, *SMALL)
    files = [tmp_path / f"{i}.json" for i in (1, 2)]
    runs = [start(*arguments, "--shard", f"{i}/2", "-o", file) for i, file in enumerate(files, 1)]
    assert [run.process.wait(120) for run in runs] == [0, 0], runs[0].talk.read_text()
    assert [len(rows_of(file)) for file in files] == [2, 1]
    joined, whole = tmp_path / "joined.json", tmp_path / "whole.json"
    assert featrank_main("table", *files, "-o", joined).code == 0
    ended = featrank_main(*arguments, "-o", whole)
    assert "3 cached, 0 to extract" in ended.err
    ours, theirs = validated(joined.read_text()), validated(whole.read_text())
    assert comparable(ours) == comparable(theirs)
    assert ours["partial"] is False
    assert ours["target"] == theirs["target"]
    alone = featrank_main("table", files[0])
    assert alone.code == 0
    assert "partial" in alone.err


def test_shards_of_many_layers_join_too_and_one_may_be_empty(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    arguments = ("rank", "--dataset", images, "--models", MODELS, "--layers", "stages", *SMALL)
    files = [tmp_path / f"{i}.json" for i in (1, 2, 3, 4)]
    for i, file in enumerate(files, 1):
        assert featrank_main(*arguments, "--shard", f"{i}/4", "-o", file).code == 0
    assert rows_of(files[3]) == []
    joined, whole = tmp_path / "joined.json", tmp_path / "whole.json"
    # In any order.
    assert featrank_main("table", *files[::-1], "-o", joined).code == 0
    assert featrank_main(*arguments, "-o", whole).code == 0
    assert comparable(validated(joined.read_text())) == comparable(validated(whole.read_text()))


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_no_such_shard(featrank_main: Main, shard: str) -> None:
    ended = featrank_main("rank", "--dataset", "digits", "--models", MODELS, "--shard", shard)
    assert ended.code == 2
    assert "--shard" in ended.err


def test_a_list_of_models_from_a_file_and_from_stdin(
    featrank_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.txt").write_text("# ours\nrandom:test_resnet # small\n\nrandom:test_vit\n")
    arguments = ("rank", "--dataset", "digits", "--dry-run", "--format", "json", "--models")
    ended = featrank_main(*arguments, f"@{tmp_path / 'list.txt'}")
    assert [m["model"] for m in json.loads(ended.out)] == ["random:test_resnet", "random:test_vit"]
    monkeypatch.setattr("sys.stdin", io.StringIO("random:test_vit\n"))
    ended = featrank_main(*arguments, "random:test_resnet", "--models", "@-")
    assert [m["model"] for m in json.loads(ended.out)] == ["random:test_resnet", "random:test_vit"]
    ended = featrank_main(*arguments, f"@{tmp_path / 'none.txt'}")
    assert ended.code == 2
    assert "none.txt" in ended.err
