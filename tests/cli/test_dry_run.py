"""``--dry-run`` of the commands that it belongs to."""

from __future__ import annotations

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
