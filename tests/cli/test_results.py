"""Results as people get them: files, stdout, shards, and what a kill leaves."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator
from loopback_hub import LoopbackHub
from markdown_it import MarkdownIt
from result_documents import document_of, row, score

import featrank.render

Main = Callable[..., Any]
SCHEMA = Path(featrank.render.__file__).parent / "data" / "result.schema.json"
SMALL = ("--limit-per-class", 4, "--workers", 0)
MODELS = "random:test_resnet,random:test_vit,random:test_byobnet"
Numbers = dict[tuple[str, str], dict[str, float]]


def validated(text: str | bytes) -> Any:
    document = json.loads(text)
    schema = json.loads(SCHEMA.read_text())
    for described in (schema, *schema["$defs"].values()):
        described["additionalProperties"] = False
    Draft202012Validator(schema).validate(document)
    return document


class Cells(HTMLParser):
    """Rows of cells of the last table of a page, and the text of the script elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.values: list[list[str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.rows, self.values = [], []
        elif tag == "tr":
            self.rows.append([])
            self.values.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.values[-1].append(dict(attrs).get("data-v"))

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def of_json(path: Path, metrics: list[str]) -> Numbers:
    return {
        (r["requested"], r["layer"]): {m: r["scores"][m]["value"] for m in metrics}
        for r in validated(path.read_text())["rows"]
    }


def of_flat(rows: list[dict[str, Any]], metrics: list[str]) -> Numbers:
    return {(r["requested"], r["layer"]): {m: float(r[m]) for m in metrics} for r in rows}


def of_markdown(text: str, metrics: list[str]) -> Numbers:
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    heading, *rows = [[cell.strip() for cell in row] for row in Cells(html).rows]
    return of_flat([dict(zip(heading, row, strict=True)) for row in rows], metrics)


def of_html(text: str, metrics: list[str]) -> Numbers:
    table = text[text.index('<table id="table">') : text.index("</table>")]
    cells = Cells(table)
    found: Numbers = {}
    for texts, values in zip(cells.rows[1:], cells.values[1:], strict=True):
        numbers = values[3 : 3 + len(metrics)]
        found[texts[1].strip(), texts[2].strip()] = dict(
            zip(metrics, map(float, numbers), strict=True)
        )  # type: ignore[arg-type]
    return found


def test_all_five_files_and_stdout_hold_the_same_numbers(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    files = {
        suffix: tmp_path / f"r.{suffix}" for suffix in ("json", "csv", "parquet", "md", "html")
    }
    outputs = [part for path in files.values() for part in ("-o", path)]
    arguments = ("rank", "--dataset", images, "--models", MODELS, "--layers", "stages", *SMALL)
    ended = featrank_main(*arguments, *outputs, "--format", "csv")
    assert ended.code == 0, ended.err
    metrics = ["tmi", "gda", "nb"]
    numbers = of_json(files["json"], metrics)
    assert len(numbers) > 6
    rows = list(csv.DictReader(io.StringIO(files["csv"].read_text(), newline="")))
    assert of_flat(rows, metrics) == numbers
    assert of_flat(pq.read_table(files["parquet"]).to_pylist(), metrics) == numbers
    assert of_markdown(files["md"].read_text(), metrics) == numbers
    assert of_html(files["html"].read_text(), metrics) == numbers
    assert ended.out == files["csv"].read_text()
    for name in ("json", "csv", "md"):
        printed = featrank_main("table", files["json"], "--format", name)
        assert printed.code == 0
        assert printed.out == files[name].read_text()


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


def test_stdout_is_one_document_with_every_warning_on(
    featrank_main: Main, images: Path, cache_dir: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from timm.models.resnet import ResNet

    def broken(self: ResNet, x: object) -> None:
        warnings.warn("something of a library", stacklevel=1)
        raise ValueError("bad\nmultiline, 100%")

    (images / "food" / "bad.png").write_bytes(b"\x89PNG torn")
    arguments = ("rank", "--dataset", images, "--workers", 0, "--models")
    assert featrank_main(*arguments, "random:test_vit").code == 0
    (part, *_) = sorted((cache_dir / "features").glob("*/*/part-*.parquet"))
    part.write_bytes(part.read_bytes()[:-40])
    summary = tmp_path / "summary.md"
    monkeypatch.setattr(ResNet, "forward_features", broken)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ended = featrank_main(
        *arguments, "random:test_vit,random:test_resnet", "--metrics", "gda,tmi,leep",
        "--format", "json", "-o", tmp_path / "r.md", "--debug",
    )  # fmt: skip
    assert ended.code == 3, ended.err
    document = validated(ended.out)
    assert [row["status"] for row in document["rows"]] == ["ok", "failed"]
    assert document["skipped"][0]["path"] == "food/bad.png"
    assert "warning: " in ended.err
    assert "::error title=featrank%3A random%3Atest_resnet failed::ValueError: bad" in ended.err
    assert "images: 72 images; 6 classes" in summary.read_text()
    assert "random:test\\_resnet failed" not in summary.read_text()
    assert "random:test_resnet failed" in summary.read_text()
    assert "\x1b" not in ended.out + ended.err


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
        end = time.monotonic() + 120
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
        sent = time.monotonic()
        assert run.process.wait(30) == code
        assert time.monotonic() - sent < 5
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


def test_dry_run_says_what_is_here_what_is_not_and_does_nothing(
    featrank_main: Main, cache_dir: Path, tmp_path: Path
) -> None:
    base = ("--dataset", "digits", *SMALL, "--models")
    assert featrank_main("rank", *base, "random:test_resnet").code == 0
    before = sorted(cache_dir.rglob("*.parquet"))
    ended = featrank_main(
        "rank", *base, f"{MODELS},random:test_resnet", "--layers", "last", "--dry-run",
        "-o", tmp_path / "r.json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert "3 models, 3 layers: 1 cached, 2 to extract" in ended.out
    assert "time: unknown of 2 models, which were never measured here" in ended.out
    assert sorted(cache_dir.rglob("*.parquet")) == before
    assert not (tmp_path / "r.json").exists()
    # Another subset of a model that was measured: an estimate from that speed.
    other = (
        "extract",
        "--dataset",
        "digits",
        "--max-images",
        100,
        "--models",
        "random:test_resnet",
    )
    assert "by the speed measured before" in featrank_main(*other, "--dry-run").out


def test_dry_run_knows_the_bytes_of_a_download_and_downloads_nothing(
    featrank_process: Any, featrank_main: Main
) -> None:
    arguments = (
        "rank",
        "--dataset",
        "digits",
        "--models",
        "test_resnet,random:test_vit",
        "--dry-run",
    )
    with LoopbackHub({"timm/test_resnet.r160_in1k/model.safetensors": b"x" * 12_345}) as hub:
        ended = featrank_process(*arguments, HF_ENDPOINT=hub.url, PYTHONPROFILEIMPORTTIME="1")
        assert ended.returncode == 0, ended.stderr
        fetched = [line for line in hub.requests if line.startswith("GET") and "resolve" in line]
        assert not fetched
    assert "1 downloads, 12.3 kB" in ended.stdout
    imported = {line.split("|")[-1].strip().split(".")[0] for line in ended.stderr.splitlines()}
    assert "torch" not in imported
    offline = featrank_process(*arguments, HF_HUB_OFFLINE="1")
    assert "1 downloads, at least 0 B" in offline.stdout


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
