"""``featrank extract``: what it forwards, and what it says of that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Main = Callable[..., Any]
EXTRACT = ("--dataset", "clipart", "--limit-per-class", 4, "--workers", 0, "--quiet")


def test_the_second_time_nothing_is_forwarded(featrank_main: Main, cache_dir: Path) -> None:
    """Of 40 images a class 4 are wanted, in 6 classes."""
    arguments = ("extract", *EXTRACT, "--models", "random:test_resnet", "--part-rows", 10)
    first, again = featrank_main(*arguments), featrank_main(*arguments)
    assert (first.code, again.code) == (0, 0), first.err
    (line,) = [line.split() for line in first.out.splitlines() if "random:test_resnet" in line]
    assert line[:5] == ["random:test_resnet", "ok", "24", "96", "24"]
    (same,) = [line.split() for line in again.out.splitlines() if "random:test_resnet" in line]
    assert same[:5] == ["random:test_resnet", "cached", "24", "96", "0"]
    assert same[-1] == line[-1]
    assert "forwarded 24 images" in first.out
    assert "forwarded 0 images" in again.out
    parts = sorted(cache_dir.glob(f"features/*/*.{line[-1]}/part-*.parquet"))
    assert [pq.read_metadata(part).num_rows for part in parts] == [10, 10, 4]


def test_a_dry_run_prints_the_plan_and_makes_nothing(featrank_main: Main, cache_dir: Path) -> None:
    ended = featrank_main("extract", *EXTRACT, "--models", "random:test_resnet", "--dry-run")
    assert ended.code == 0, ended.err
    assert "1 models, 1 layers: 0 cached, 1 to extract" in ended.out
    assert list(cache_dir.glob("features/*/*/part-*.parquet")) == []


def test_a_failure_is_told_and_is_exit_3(featrank_main: Main) -> None:
    ended = featrank_main("extract", *EXTRACT, "--models", "random:test_vit", "--cache", "only")
    assert ended.code == 3
    assert "random:test_vit failed: features of random:test_vit are not in the cache" in ended.out
