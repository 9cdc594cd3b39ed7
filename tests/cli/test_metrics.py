"""``featrank metrics``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from featrank.metrics import METRICS

Main = Callable[..., Any]


def test_lists_every_metric(featrank_main: Main) -> None:
    ended = featrank_main("metrics")
    assert (ended.code, ended.err) == (0, "")
    names = [line.split()[0] for line in ended.out.splitlines() if line[1:2].isalpha()]
    assert names[1 : 1 + len(METRICS.names())] == METRICS.names()
    assert "NCTI and ETran are left out" in ended.out
    documents = json.loads(featrank_main("metrics", "--json").out)
    assert [document["name"] for document in documents] == METRICS.names()


def test_one_in_full(featrank_main: Main) -> None:
    shown = featrank_main("metrics", "tmi").out
    for said in ("arXiv 2308.05986", "H_c = ψ(n_c) - ψ(k)", "cannot see wrong labels", "k=3"):
        assert said in shown
    document = json.loads(featrank_main("metrics", "tmi", "--json").out)
    assert document["version"] == METRICS.get("tmi").version
    assert document["bounds"] == [None, None]


def test_an_unknown_name_gets_close_ones(featrank_main: Main) -> None:
    ended = featrank_main("metrics", "hscor")
    assert (ended.code, ended.out) == (2, "")
    assert "did you mean hscore" in ended.err


def test_imports_nothing_heavy(featrank_process: Any) -> None:
    loaded = featrank_process("metrics", PYTHONPROFILEIMPORTTIME="1")
    assert loaded.returncode == 0
    imported = {line.split("|")[-1].strip().split(".")[0] for line in loaded.stderr.splitlines()}
    assert "rich" in imported
    assert not imported & {"torch", "torchvision", "timm", "sklearn", "scipy", "pandas", "pyarrow"}
