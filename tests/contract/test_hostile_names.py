"""No name acts on a terminal, a log or a page: one set of names, every command, every format."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import re
import shutil
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from markdown_it import MarkdownIt

from featrank.cli.app import app
from featrank.render._files import FORMATS

HOSTILE = {
    "escape": "\x1b[31mRED\x1b]0;own\x07\x9b2J\x7f",
    "lines": "a\n::error::pwn\r\nb\u2028c\u2029d\x85e\x0bf",
    "order": "::error::pwn",
    "orders": "##[error]pwn ##vso[task.complete]",
    "bidi": "a\u202egnp.exe\u200b\u2066\ufeff",
    "rich": "[bold red]x[/bold red][/][link=http://e]y[/link]",
    "html": '"><img src=x onerror=alert(1)></script><script>alert(2)</script><!--',
    "markdown": "a|b `c` [x](javascript:alert(1)) <b>\n\n# H https://e.example a@e.example",
    "formula": "=cmd|' /C calc'!A0",
    "xml": "\x00\x01]]><x/>\ufffe",
    "surrogate": "\ud800half\udc80",
    "jinja": "{{ 7*7 }}{% raw %}%s{0.__class__}",
}
ALL = " ".join(HOSTILE.values())
# What a folder or a word on the command line can hold.
TYPED = {
    name: text.replace("\0", "").replace("\ud800", "").replace("/", "∕")
    for name, text in HOSTILE.items()
}
WORD = "".join(TYPED.values())


def harmless(text: str) -> None:
    """Nothing in it acts on a terminal or a log; our own annotations aside."""
    acting = [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert set(acting) <= {"\n"}
    assert not re.search(r"##\w*\[", text)
    orders = [line for line in text.split("\n") if line.lstrip().startswith("::")]
    assert [line for line in orders if not line.startswith("::error title=featrank")] == []


class Tags(HTMLParser):
    """How often each tag stands in a page, and its event handlers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.count: dict[str, int] = {}
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def poisoned(document: Any, text: str) -> Any:
    """The result with the text in the place of all that is free text in it."""
    target = document["target"]
    counts = enumerate(target["class_counts"].values())
    target |= {"name": text, "split": text, "warnings": [text]}
    target["class_counts"] = {f"{text}{i}": n + i for i, n in counts}
    for i, row in enumerate(document["rows"]):
        for key in ("requested", "model", "architecture", "layer", "weights", "device", "note"):
            row[key] = f"{text}{i}"
        for score in row.get("scores", {}).values():
            score |= {"details": {"dropped_classes": [text]}, "null_reason": text}
    failed = {key: document["rows"][0][key] for key in ("zoo", "pooling")}
    named = dict.fromkeys(("requested", "model", "architecture", "layer"), f"{text}!")
    failed |= {**named, "status": "failed", "reason": text, "hint": text}
    document["rows"].append(failed)
    document["candidates"] = [row["model"] for row in document["rows"]]
    document["skipped"] = [{"path": text, "reason": text}]
    document["stamp"] |= {"command": [text], "versions": {text: text}}
    document["config"]["dataset"] = text
    return document


def check_json(data: bytes) -> None:
    harmless(data.decode())
    json.loads(data)


def check_html(data: bytes) -> None:
    page = Tags(data.decode())
    assert page.count["script"] == 2
    assert not page.handlers
    assert "img" not in page.count
    assert set(map(unicodedata.category, data.decode().replace("\n", ""))).isdisjoint(
        {"Cc", "Cf", "Zl", "Zp"}
    )


def check_markdown(data: bytes) -> None:
    harmless(data.decode())
    tags = Tags(MarkdownIt("commonmark", {"html": True}).enable("table").render(data.decode()))
    assert tags.count.keys().isdisjoint({"a", "b", "h1", "img", "script", "code", "x"})
    assert not re.search(r"https?:|@(?!&#8203;)", data.decode())


def check_csv(data: bytes) -> None:
    harmless(data.decode())
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert len({len(row) for row in rows}) == 1
    assert len(rows) == len(data.decode().splitlines())
    for cell in (cell for row in rows for cell in row):
        assert not re.match(r"[=+@\t\r]|-(?![\d.])", cell)


def check_parquet(data: bytes) -> None:
    assert pq.read_table(io.BytesIO(data)).num_rows


CHECKS: dict[str, Callable[[bytes], None]] = {
    "json": check_json,
    "html": check_html,
    "md": check_markdown,
    "csv": check_csv,
    "parquet": check_parquet,
}


@dataclass(frozen=True)
class Place:
    """A cache, a data set, a result and files that are full of hostile names."""

    root: Path
    images: Path
    result: Path
    features: Path
    key: str


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from commands(below, (*path, name))
    else:
        yield path


COMMANDS = sorted(commands(typer.main.get_command(app)))
# For each command the ways to call it with hostile names, beside wrong options, which all have.
CALLS: dict[str, Callable[[Place], list[list[object]]]] = {
    "rank": lambda at: [
        ["--dataset", at.images, "--models", f"random:test_resnet,{WORD}", "--github"],
        ["--dataset", at.images, "--models", "random:test_resnet", "--dry-run"],
        ["--dataset", at.images, "--models", WORD, "--dry-run", "--format", "json"],
        ["--dataset", at.images, "--models", "random:test_resnet", "--split", WORD],
        ["--dataset", at.images, "--models", "random:test_resnet", "--classes", f"{WORD}*"],
        ["--dataset", WORD, "--models", "random:test_resnet"],
        ["--dataset", "digits", "--models", "random:test_resnet", "--metrics", WORD],
        ["--dataset", "digits", "--models", "random:test_resnet", "-o", WORD],
        ["--dataset", "digits", "--models", f"@{WORD}", "--debug"],
    ],
    "extract": lambda at: [
        ["--dataset", at.images, "--models", f"random:test_resnet,{WORD}"],
        ["--dataset", "digits", "--models", "random:test_resnet", "--layers", WORD],
    ],
    "score": lambda at: [
        [at.features, "--metrics", "gda,nb"], [at.features, "--format", "json"],
        [at.features, "--curve", "--seeds", "1"], [at.key], [WORD, "--debug"],
    ],
    "table": lambda at: [
        [at.result], [at.result, "--per-layer"], [at.result, at.result], [at.result, "--by", WORD],
        [WORD], [at.result, "-o", f"{WORD}.txt"], [at.result, "--github"],
    ],
    "gate": lambda at: [
        [at.result, "--expect-top", WORD, "--allow", "failed", *more, "--junit", at.root / "j.xml"]
        for more in ([], ["--format", "md"], ["--format", "json"], ["--github"])
    ] + [[at.result, "--fail-under", f"{WORD}=1"], [at.result, "--max-drop", WORD], [WORD]],
    "cache dir": lambda at: [[], ["--cache-dir", at.root / TYPED["escape"]]],
    "cache list": lambda at: [[], ["--json"]],
    "cache show": lambda at: [[at.key], [WORD]],
    "cache verify": lambda at: [[], ["--debug"]],
    "cache prune": lambda at: [["--older-than", "0s", "--dry-run"], ["--max-size", WORD]],
    "cache export": lambda at: [[at.key, at.root / f"{TYPED['escape']}.txt"], [WORD, "x.npz"]],
    "layers": lambda at: [[WORD], ["test_resnet", "--json"], ["test_resnet", "--pool", WORD]],
    "metrics": lambda at: [[WORD], ["gda", "--json"], []],
    "models": lambda at: [[WORD], [WORD, "--json"], ["--sort", WORD], [WORD, "--names"]],
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, clipart_folder: Path) -> Place:
    root = tmp_path_factory.mktemp("hostile")
    pictures = sorted(path for path in clipart_folder.rglob("*") if path.is_file())
    for i, name in enumerate(TYPED.values()):
        folder = root / "images" / name
        folder.mkdir(parents=True)
        for picture in pictures[6 * i : 6 * i + 6]:
            shutil.copy(picture, folder / f"{name[:40]}{picture.name}")
        (folder / f"{name[:40]}.png").write_bytes(b"no picture")
    labels = np.repeat([text.encode("utf-8", "ignore").decode() for text in TYPED.values()], 4)
    features = np.random.default_rng(0).normal(size=(len(labels), 5)).astype(np.float32)
    np.savez(root / "features.npz", features=features, labels=labels)
    return Place(root, root / "images", root / "result.json", root / "features.npz", "")


@pytest.fixture
def run(featrank_main: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.chdir(tmp_path)

    def checked(*arguments: object) -> Any:
        # pytest's own record of the log could not be sent on with half a surrogate pair in it.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(logging.getLogger(), "handlers", [])
            ended = featrank_main(*arguments)
        harmless(ended.out)
        harmless(ended.err)
        assert "unexpected" not in ended.err
        if "--json" in arguments and ended.code == 0:
            json.loads(ended.out)
        return ended

    return checked


@pytest.fixture
def filled(place: Place, run: Any, cache_dir: Path) -> Place:
    """The place with features in the cache, of a run and of a stranger."""
    ended = run(
        "rank", "-q", "--dataset", place.images, "--models", "random:test_resnet", "--workers", 0,
        "--allow-skipped", "--metrics", "gda,nb", "-o", place.result,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    document = json.loads(place.result.read_text())
    place.result.write_text(json.dumps(poisoned(document, ALL)))
    key = json.loads(run("cache", "list", "--json").out)[0]["id"]
    (layer,) = (path for path in cache_dir.rglob(f"*{key}*") if path.is_dir())
    for name in TYPED.values():
        # An incomplete layer, and a damaged one, each with a part that is none.
        for folder in (
            layer.parent / f"{name}.{name[:9]}",
            layer.parent.parent / name / f"{name}.",
        ):
            folder.mkdir(parents=True)
            (folder / f"part-{name}.parquet").write_bytes(b"x")
        (folder / "_manifest.json").write_text(json.dumps({name: name}))
    listed = run("cache", "list", "--json").out
    assert {entry["id"] for entry in json.loads(listed)} >= {
        TYPED[name][:9] for name in ("escape", "lines", "orders", "surrogate")
    }
    assert run("cache", "verify").code == 3
    return Place(place.root, place.images, place.result, place.features, key)


def test_every_command_and_every_format_is_tried() -> None:
    assert {" ".join(path) for path in COMMANDS} == CALLS.keys()
    assert {form.name for form in FORMATS} == CHECKS.keys()


def test_what_is_asked_of_every_command(filled: Place, run: Any, tmp_path: Path) -> None:
    for path in COMMANDS:
        for arguments in CALLS[" ".join(path)](filled):
            run(*path, *arguments)
    ET.parse(filled.root / "j.xml")
    harmless((tmp_path / "summary.md").read_text())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_what_is_asked_wrongly(
    path: tuple[str, ...], run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"{json.dumps(TYPED['lines'])} = 1\n")
    assert run(*path, f"--{WORD}").code == 2
    assert run(*path, "--config", settings).code == 2
    assert run(*path, "--config", WORD).code == 2
    monkeypatch.setenv("FEATRANK_CONFIG", WORD)
    assert run(*path).code == 2


def test_no_such_command(run: Any) -> None:
    for word in TYPED.values():
        assert run(word).code == 2


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_every_format(text: str, run: Any, tmp_path: Path) -> None:
    good, result = tmp_path / "good.json", tmp_path / "hostile.json"
    good_run = run(
        "rank", "-q", "--dataset", "digits", "--max-images", 40, "--models", "random:test_resnet",
        "--workers", 0, "--metrics", "gda,nb", "--null", 2, "-o", good,
    )  # fmt: skip
    assert good_run.code == 0, good_run.err
    result.write_text(json.dumps(poisoned(json.loads(good.read_text()), text)))
    outputs = [tmp_path / f"out{form.suffix}" for form in FORMATS]
    assert run("table", result, *(word for path in outputs for word in ("-o", path))).code == 0
    for form, path in zip(FORMATS, outputs, strict=True):
        CHECKS[form.name](path.read_bytes())
        if form.prints:
            CHECKS[form.name](run("table", result, "--format", form.name).out.encode())
    again = run("table", tmp_path / "out.json", "-o", tmp_path / "again.json")
    assert again.code == 0
    assert json.loads((tmp_path / "again.json").read_text())["target"]["name"] == text


def test_a_terminal_without_the_letters_is_no_crash(featrank_process: Any) -> None:
    word = os.fsdecode(b"\xff\x1b") + "模型"
    ended = featrank_process("models", word, PYTHONIOENCODING="ascii")
    assert ended.returncode == 2
    assert r"\udcff\x1b\u6a21\u578b" in ended.stderr
    harmless(ended.stderr)
