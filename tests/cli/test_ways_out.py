"""Where a result goes: the same numbers into every file, and one document to stdout."""

from __future__ import annotations

import csv
import io
import json
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from markdown_it import MarkdownIt
from result_documents import small_document, validated
from told import Told

from featrank.cli._ways_out import WaysOut
from featrank.errors import IncompleteError, InputError
from featrank.results.read import result_of

Main = Callable[..., Any]
SMALL = ("--limit-per-class", 4, "--workers", 0)
MODELS = "random:test_resnet,random:test_vit,random:test_byobnet"
Numbers = dict[tuple[str, str], dict[str, float]]


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
    for part in (cache_dir / "features").glob("*/*/part-*.parquet"):
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


def unsealed(text: str) -> object:
    document = json.loads(text)
    assert document.pop("checksum")
    return document


def test_what_cannot_be_written_keeps_nothing_else_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The folder of the first file is gone since it was checked."""
    document = small_document()
    (tmp_path / "gone").mkdir()
    paths = [tmp_path / "gone" / "r.json", tmp_path / "r.json"]
    told = Told()
    ways_out = WaysOut(paths, "json", told, to_github=False)
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").touch()
    ways_out.refresh(result_of(document))
    (warning,) = told.warnings
    assert warning.startswith(f"cannot write {paths[0]}")
    assert unsealed(paths[1].read_text()) == document
    paths[1].unlink()
    assert capfd.readouterr().out == ""
    with pytest.raises(IncompleteError, match="cannot write"):
        ways_out.show(result_of(document))
    assert unsealed(paths[1].read_text()) == document
    assert unsealed(capfd.readouterr().out) == document


def test_without_files_a_run_that_goes_on_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    told = Told()
    WaysOut(None, None, told, to_github=False).refresh(result_of(small_document()))
    assert (told.warnings, list(tmp_path.iterdir())) == ([], [])
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("outputs", "form", "said"),
    [
        (["r.xls"], None, "unknown format '.xls'"),
        (["r.json"], "xls", "unknown format 'xls'"),
        (["r.json"], "parquet", "is for files only"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    tmp_path: Path, outputs: list[str], form: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        WaysOut([tmp_path / name for name in outputs], form, Told())
    assert list(tmp_path.iterdir()) == []


def test_an_action_gets_a_summary_and_an_annotation_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    document = small_document()
    document["rows"][-1]["reason"] = "no hub\n::error::forged"
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    WaysOut(None, None, Told(), to_github=False).show(result_of(document))
    assert not summary.exists()
    WaysOut(None, None, Told(), to_github=True).show(result_of(document))
    assert "pets: 7 images; 2 classes" in summary.read_text()
    out, err = capfd.readouterr()
    (annotation,) = err.splitlines()
    assert annotation.startswith("::error title=featrank%3A resnet50 failed::no hub")
    assert not [line for line in out.splitlines() if line.startswith("::")]
