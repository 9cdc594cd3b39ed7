"""The documented way to add a metric works as it is documented."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import featrank.metrics
from featrank.metrics import Metric
from featrank.registry import Registry

Run = Callable[..., subprocess.CompletedProcess[str]]

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()


def documented(word: str) -> str:
    """The block of code that a word is in."""
    blocks = re.findall(r"```\w+\n(.*?)```", TEXT, re.DOTALL)
    (block,) = [str(block) for block in blocks if word in block]
    return block


def test_the_documented_file_is_a_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "total_variance.py").write_text(documented('name="total_variance"'))
    monkeypatch.setattr(featrank.metrics, "__path__", [*featrank.metrics.__path__, str(tmp_path)])
    registry: Registry[Metric] = Registry("featrank.metrics", "METRIC", "metric")
    features = np.random.default_rng(0).normal(size=(20, 3))
    assert registry.get("total_variance")(features, [0, 1] * 10) == pytest.approx(
        features.var(axis=0).sum()
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The documented package, with weights, installed beside what is installed: a PYTHONPATH."""
    source, site = tmp_path_factory.mktemp("shapes"), tmp_path_factory.mktemp("site")
    (source / "shapes_zoo.py").write_text(documented("class ShapesZoo"))
    (source / "pyproject.toml").write_text(documented('name = "shapes-zoo"'))
    make = """
import torch
from featrank.records import ModelRef
from safetensors.torch import save_file
from shapes_zoo import ZOO
for seed, name in enumerate(ZOO.names(None)):
    torch.manual_seed(seed)
    network = ZOO.build(ModelRef(name, "shapes", name, ""))
    save_file(network.state_dict(), f"shapes_{name}.safetensors")
"""
    subprocess.run([sys.executable, "-c", make], cwd=source, check=True)
    flags = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", *flags, "--target", site, source],
        check=True, capture_output=True,
    )  # fmt: skip
    return os.pathsep.join([str(site), *sys.path])


def test_the_documented_package_is_a_zoo(
    featrank_process: Run, installed: str, tmp_path: Path
) -> None:
    """Ranked by layers, listed and planned, though no other file knows its name."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        ended = featrank_process(*arguments, PYTHONPATH=installed, **environment)
        assert ended.returncode == 0, ended.stderr
        return ended

    ranked = (
        "rank", "--models", "shapes:edges,shapes:b*", "--dataset", "digits", "--limit-per-class", 5,
        "--layers", "all", "--workers", 0, "--metrics", "nb", "-o", tmp_path / "r.json",
    )  # fmt: skip
    planned = json.loads(run(*ranked[:-2], "--dry-run", "--format", "json").stdout)
    assert [(m["model"], m["layers"], m["images"], m["download"]) for m in planned] == [
        ("shapes:edges", 3, 50, False), ("shapes:blobs", 3, 50, False),
    ]  # fmt: skip
    run(*ranked)
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    widths = {(row["requested"], row["layer"]): row["n_features"] for row in rows}
    assert widths == {
        ("shapes:edges", "body.0"): 12, ("shapes:edges", "body.1"): 24,
        ("shapes:edges", "pre_logits"): 24,
        ("shapes:blobs", "body.0"): 8, ("shapes:blobs", "body.1"): 16,
        ("shapes:blobs", "pre_logits"): 16,
    }  # fmt: skip
    warm = run(*ranked, PYTHONPROFILEIMPORTTIME="1")
    assert "2 cached, 0 to extract" in warm.stderr
    imported = {line.split("|")[-1].strip().split(".")[0] for line in warm.stderr.splitlines()}
    assert not imported & {"torch", "timm"}
    layers = json.loads(run("layers", "shapes:edges", "--json").stdout)["shapes:edges"]
    assert [layer["name"] for layer in layers] == ["body.0", "body.1", "pre_logits", "head"]
    assert run("models", "shapes:*", "--names").stdout.split() == ["shapes:blobs", "shapes:edges"]
    (card,) = json.loads(run("models", "shapes:edges", "--cached", "--json").stdout)
    assert (card["input_size"], card["cached"]) == ([3, 32, 32], True)
    refused = featrank_process("models", "shapes:egdes", PYTHONPATH=installed)
    assert (refused.returncode, "did you mean shapes:edges" in refused.stderr) == (2, True)


def test_every_room_has_its_row() -> None:
    root = Path(featrank.metrics.__file__).parents[1]
    rooms = {
        p.name for p in root.iterdir() if not p.name.startswith("_") and p.suffix in ("", ".py")
    }
    for room in rooms:
        assert f"`{room}`" in TEXT or f"`{room}/`" in TEXT
