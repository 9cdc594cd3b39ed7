"""``--dry-run`` of the commands that it belongs to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback_hub import LoopbackHub

Main = Callable[..., Any]
SMALL = ("--limit-per-class", 4, "--workers", 0)
MODELS = "random:test_resnet,random:test_vit,random:test_byobnet"


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
    assert "time: unknown of 2 models, which were never measured on this machine" in ended.out
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


def test_a_plan_is_a_table_or_json(featrank_main: Main) -> None:
    arguments = ("rank", "--dataset", "digits", *SMALL, "--models", MODELS, "--dry-run")
    (first, *_) = models = json.loads(featrank_main(*arguments, "--format", "json").out)
    assert [model["model"] for model in models] == MODELS.split(",")
    assert first == {
        "model": "random:test_resnet", "requested": "random:test_resnet", "layers": 1, "cached": 0,
        "images": 40, "download": False,
    }  # fmt: skip
    table = featrank_main(*arguments, "--format", "table")
    assert "3 models, 3 layers: 0 cached, 3 to extract" in table.out
    wrong = featrank_main(*arguments, "--format", "csv")
    assert (wrong.code, wrong.out) == (2, "")
    assert "--dry-run --format csv: no such plan" in wrong.err
    assert "hint: leave --format out, or json" in wrong.err


def test_what_a_run_would_refuse_is_refused(featrank_main: Main, tmp_path: Path) -> None:
    nowhere = featrank_main("rank", "--dataset", tmp_path / "x", "--models", MODELS, "--dry-run")
    assert (nowhere.code, nowhere.out) == (2, "")
    assert "no such folder" in nowhere.err
