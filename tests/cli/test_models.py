"""`featrank models`, as a user meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import LoopbackHub

Main = Callable[..., Any]


def test_without_a_network_it_lists_what_timm_lists(featrank_process: Any) -> None:
    """In a process of its own, which imports neither timm nor torch and asks nobody."""
    import timm

    arguments = ("models", "resnet*", "--max-params", "30M", "--json")
    offline = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}
    ended = featrank_process(*arguments, PYTHONPROFILEIMPORTTIME="1", **offline)
    assert ended.returncode == 0, ended.stderr
    cards = json.loads(ended.stdout)
    names = [card["name"] for card in cards]
    assert set(names) <= set(timm.list_pretrained("resnet*"))
    assert {"resnet50.a1_in1k", "resnet18.tv_in1k"} <= set(names)
    assert not {"resnet101.a1_in1k", "resnet152.tv_in1k"} & set(names)
    assert all(card["n_params"] <= 30e6 for card in cards)
    imported = {line.split("|")[-1].strip().split(".")[0] for line in ended.stderr.splitlines()}
    assert not imported & {"torch", "torchvision", "timm", "sklearn", "scipy", "pandas", "pyarrow"}


def test_the_whole_registry_by_name(featrank_main: Main) -> None:
    assert len(featrank_main("models", "--names").out.splitlines()) > 1000


def test_a_table_for_people(featrank_main: Main) -> None:
    ended = featrank_main("models", "resnet50", "--sort", "top1", "--limit", 3)
    assert ended.code == 0
    lines = [line for line in ended.out.splitlines() if line.strip().startswith("resnet50.")]
    assert len(lines) == 3
    assert "3 models" in ended.err
    assert "25.56M" in lines[0]
    assert "4.11" in lines[0]


def test_names_to_pipe(featrank_main: Main) -> None:
    ended = featrank_main("models", "resnet18", "--exclude", "*.fb_*", "--names")
    assert ended.out.splitlines()
    assert all(line.startswith("resnet18.") and ".fb_" not in line for line in ended.out.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnt50",), "did you mean"),
        (("--sort", "colour"), "--sort 'colour'"),
        (("--max-params", "many"), "as in --max-params 30M"),
        (("--prefetch",), "prefetch what?"),
    ],
)
def test_asked_wrongly(featrank_main: Main, arguments: tuple[str, ...], said: str) -> None:
    ended = featrank_main("models", *arguments)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""


def test_prefetched_here_and_used_where_there_is_no_network(
    featrank_process: Any, tmp_path: Path
) -> None:
    import timm
    from safetensors.torch import save

    content = save(timm.create_model("test_resnet", pretrained=False).state_dict())
    name = "test_resnet.r160_in1k"
    missed = featrank_process("models", name, "--prefetch", HF_HUB_OFFLINE="1")
    assert missed.returncode == 3
    assert "--prefetch" in missed.stdout
    with LoopbackHub({f"timm/{name}/model.safetensors": content}) as hub:
        done = featrank_process("models", "test_resnet", "--prefetch", HF_ENDPOINT=hub.url)
        assert done.returncode == 0, done.stderr
        assert "1 download, 1.9 MB" in done.stderr
        assert "downloaded" in done.stdout
    used = featrank_process(
        "rank", "--dataset", "clipart", "--models", "test_resnet", "--limit-per-class", 3,
        "--workers", 0, HF_HUB_OFFLINE="1",
    )  # fmt: skip
    assert used.returncode == 0, used.stderr
