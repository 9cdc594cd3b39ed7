"""The cache commands, one after another, on a cache that a real extraction filled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Main = Callable[..., Any]
EXTRACT = ("--dataset", "clipart", "--limit-per-class", 4, "--workers", 0, "--quiet")


@pytest.fixture
def filled(featrank_main: Main) -> dict[str, str]:
    """Two cached models, each with the layer ``head``: key of ``pre_logits`` by model."""
    ended = featrank_main("extract", *EXTRACT, "--models", "random:test_resnet,random:test_vit")
    assert ended.code == 0
    assert "forwarded 48 images" in ended.out
    entries = json.loads(featrank_main("cache", "list", "--json").out)
    assert len(entries) == 4
    return {e["model"]: e["id"] for e in entries if e["key"]["layer"] == "pre_logits"}


def test_dir_list_show(featrank_main: Main, filled: dict[str, str], cache_dir: Path) -> None:
    assert featrank_main("cache", "dir").out == f"{cache_dir}\n"
    listed = featrank_main("cache", "list").out
    for said in ("random:test_resnet", "pre_logits", "head", "clipart", "24", "96", "4 layers"):
        assert said in listed
    shown = json.loads(featrank_main("cache", "show", filled["random:test_vit"][:6]).out)
    assert shown["key"]["architecture"] == "test_vit"
    assert shown["n_rows"] == 24
    assert featrank_main("cache", "show", "nosuch").code == 2


def test_verify_names_what_is_damaged(
    featrank_main: Main, filled: dict[str, str], cache_dir: Path
) -> None:
    ended = featrank_main("cache", "verify")
    assert (ended.code, ended.out) == (0, "4 layers checked, 0 damaged files\n")
    part = next(cache_dir.glob(f"features/*/*{filled['random:test_vit']}/*.parquet"))
    data = bytearray(part.read_bytes())
    data[100] ^= 1
    part.write_bytes(data)
    ended = featrank_main("cache", "verify")
    assert ended.code == 3
    assert f"{part.parent.name}/{part.name}: checksum differs" in ended.out
    assert featrank_main("cache", "export", filled["random:test_vit"], "x.npz").code == 3
    assert featrank_main("score", filled["random:test_vit"]).code == 3


def test_prune(featrank_main: Main, filled: dict[str, str]) -> None:
    assert featrank_main("cache", "prune").code == 2
    assert featrank_main("cache", "prune", "--max-size", "much").code == 2
    assert (
        "would remove 4 layers"
        in featrank_main("cache", "prune", "--max-size", "0", "--dry-run").out
    )
    assert "removed 0 layers" in featrank_main("cache", "prune", "--older-than", "1d").out
    pruned = featrank_main("cache", "prune", "--model", "*vit*").out
    assert "removed 2 layers" in pruned
    assert f"{filled['random:test_vit']}  random:test_vit  pre_logits  clipart" in pruned
    assert list(json.loads(featrank_main("cache", "list", "--json").out)[0]["parts"])


def test_export_and_score_agree_with_the_cache(
    featrank_main: Main, filled: dict[str, str], tmp_path: Path
) -> None:
    key = filled["random:test_resnet"]
    values = []
    for name in ("e.npz", "e.parquet"):
        assert featrank_main("cache", "export", key, tmp_path / name).code == 0
    for source in (key, tmp_path / "e.npz", tmp_path / "e.parquet"):
        ended = featrank_main("score", source, "-o", tmp_path / "s.json")
        assert ended.code == 0, ended.err
        (row,) = json.loads((tmp_path / "s.json").read_text())["rows"]
        values.append({metric: score["value"] for metric, score in row["scores"].items()})
    assert values[0] == values[1] == values[2]
    assert set(values[0]) == {"tmi", "gda", "nb"}
    assert featrank_main("cache", "export", key, tmp_path / "none" / "e.npz").code == 2


def test_score_ranks_several_of_one_target_only(
    featrank_main: Main, filled: dict[str, str], tmp_path: Path
) -> None:
    ended = featrank_main("score", *filled.values(), "--metrics", "gda", "--by", "gda")
    assert ended.code == 0
    assert "random:test_vit" in ended.out
    np.savez(tmp_path / "o.npz", features=np.eye(6), labels=[0, 0, 0, 1, 1, 1])
    ended = featrank_main("score", filled["random:test_vit"], tmp_path / "o.npz")
    assert ended.code == 2
    assert "2 targets: clipart, o" in ended.err


def test_score_asked_wrongly(featrank_main: Main, tmp_path: Path) -> None:
    assert "no cache entry" in featrank_main("score", "abc").err
    assert "no such file" in featrank_main("score", tmp_path / "a.npz").err
    assert "--by nb" in featrank_main("score", "abc", "--metrics", "gda", "--by", "nb").err
