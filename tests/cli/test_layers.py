"""Layers as a user meets them: listed, ranked, drawn, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from featrank.metrics import METRICS, SOURCE_PROBS, Metric
from featrank.records import Score

Main = Callable[..., Any]
SMALL = ("--limit-per-class", 4, "--workers", 0)
VIT = "random:test_vit"
NAMES = ["patch_embed", *(f"blocks.{i}" for i in range(6)), "pre_logits"]


def document(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def test_layers_are_listed_without_weights(featrank_main: Main) -> None:
    ended = featrank_main("layers", "vit_b16", "test_vit")
    assert ended.code == 0
    assert "timm:vit_base_patch16_224" in ended.out
    assert "197×768" in ended.out
    listed = json.loads(featrank_main("layers", "random:test_vit", "--json").out)
    assert [layer["name"] for layer in listed["random:test_vit"]] == [*NAMES, "head"]


def test_all_layers_are_ranked_and_the_best_one_shown(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    ended = featrank_main(
        "rank", "--dataset", images, "--models", f"{VIT},random:test_resnet", *SMALL,
        "--layers", "all", "--metrics", "tmi,gda,tmi_norm", "--by", "gda",
        "-o", tmp_path / "r.json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    rows = document(tmp_path / "r.json")["rows"]
    of_vit = [row for row in rows if row["model"] == VIT]
    assert {row["layer"] for row in of_vit} == set(NAMES)
    (best,) = [row for row in of_vit if "rank" in row]
    assert best["scores"]["gda"]["value"] == max(r["scores"]["gda"]["value"] for r in of_vit)
    assert best["layer_rank"] == 1
    assert sorted(row["rank"] for row in rows if "rank" in row) == [1, 2]
    shown = [line.split()[1] for line in ended.out.splitlines() if line.strip()[:1] in ("1", "2")]
    assert sorted(shown) == ["random:test_resnet", VIT]
    assert "compared by gda" in ended.out
    assert "Raw tmi" in ended.out
    assert "tmi_norm does" in ended.out


def test_per_layer_shows_every_row(featrank_main: Main, images: Path) -> None:
    arguments = ("rank", "--dataset", images, "--models", VIT, *SMALL, "--layers", "all")
    out = featrank_main(*arguments, "--metrics", "nb", "--per-layer").out
    assert [line.split()[2] for line in out.splitlines() if VIT in line] == NAMES


def test_names_do_not_change_the_features(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    found = []
    for spec in ("blocks.2", "all"):
        ended = featrank_main(
            "rank", "--dataset", images, "--models", VIT, *SMALL, "--metrics", "gda,tmi_norm",
            "--layers", spec, "--cache", "off", "-o", tmp_path / "r.json",
        )  # fmt: skip
        assert ended.code == 0, ended.err
        rows = document(tmp_path / "r.json")["rows"]
        (row,) = [row for row in rows if row["layer"] == "blocks.2"]
        found.append({name: score["value"] for name, score in row["scores"].items()})
    assert found[0] == found[1]


def test_pooling_is_in_the_key_and_in_the_row(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    arguments = ("rank", "--dataset", images, "--models", VIT, *SMALL, "--layers", "blocks.2")
    assert featrank_main(*arguments).code == 0
    ended = featrank_main(*arguments, "--pool", "avg+std", "-o", tmp_path / "r.json")
    assert "0 cached, 1 to extract" in ended.err
    (row,) = document(tmp_path / "r.json")["rows"]
    assert (row["layer"], row["pooling"], row["n_features"]) == ("blocks.2", "avg+std", 128)


def test_a_warm_run_over_all_layers_imports_nothing_heavy(
    featrank_main: Main, featrank_process: Any, images: Path
) -> None:
    arguments = ("rank", "--dataset", images, "--models", VIT, *SMALL, "--layers", "all")
    assert featrank_main(*arguments).code == 0
    warm = featrank_process(*arguments, PYTHONPROFILEIMPORTTIME="1")
    assert "1 cached, 0 to extract" in warm.stderr
    imported = {line.split("|")[-1].strip().split(".")[0] for line in warm.stderr.splitlines()}
    assert "rich" in imported
    assert not imported & {"torch", "torchvision", "timm", "sklearn", "scipy", "pandas"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--layers", "block.3"), "did you mean blocks.3"),
        (("--layers", "nosuch"), "no layer 'nosuch'"),
        (("--layers", "99"), "there are 8 layers"),
        (("--layers", "patch_embed", "--pool", "cls"), "no class token"),
        (("--pool", "mean"), "--pool 'mean' is unknown"),
    ],
)
def test_asked_wrongly(
    featrank_main: Main, images: Path, flags: tuple[str, ...], said: str
) -> None:
    ended = featrank_main("rank", "--dataset", images, "--models", VIT, *SMALL, *flags)
    assert ended.code == 2
    assert said in ended.err
    assert ended.out == ""


@pytest.fixture
def confidence(monkeypatch: pytest.MonkeyPatch) -> Metric:
    """A metric of the pre-training classifier's probabilities."""

    def compute(labelled: Any) -> Score:
        assert np.allclose(labelled.features.sum(axis=1), 1, atol=1e-5)
        return Score(float(labelled.features.max(axis=1).mean()))

    metric = Metric(
        name="confidence", summary="s", paper="p", version=1, higher_is_better=True,
        predicts="few-shot", compute=compute, needs=SOURCE_PROBS,
    )  # fmt: skip
    known = {**{m.name: m for m in METRICS}, "confidence": metric}
    monkeypatch.setattr(METRICS, "_found", known)
    return metric


@pytest.mark.usefixtures("confidence")
def test_source_probs_come_from_the_same_pass_or_leave_a_reason(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    import timm
    from safetensors.torch import save_file

    bare = timm.create_model("test_resnet", pretrained=False, num_classes=0)
    save_file(bare.state_dict(), tmp_path / "bare.safetensors")
    arguments = (
        "rank", "--dataset", images, *SMALL, "--metrics", "gda,confidence", "--models",
        f"{VIT},test_resnet@{tmp_path / 'bare.safetensors'}", "-o", tmp_path / "r.json",
    )  # fmt: skip
    # The first run wants features only; the probabilities came along.
    assert (
        featrank_main("rank", "--dataset", images, *SMALL, "--metrics", "gda", "--models", VIT).code
        == 0
    )
    ended = featrank_main(*arguments)
    assert ended.code == 0, ended.err
    assert "1 cached, 1 to extract" in ended.err
    rows = {row["model"]: row["scores"] for row in document(tmp_path / "r.json")["rows"]}
    assert 0 < rows[VIT]["confidence"]["value"] < 1
    (bare_scores,) = [scores for model, scores in rows.items() if "bare" in model]
    assert "no classifier" in bare_scores["confidence"]["reason"]
    assert "value" in bare_scores["gda"]
    assert "no classifier" in ended.out
