"""The main job, as a user meets it."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import LoopbackHub

Main = Callable[..., Any]
SMALL = ("--limit-per-class", 4, "--workers", 0)
CONTROL = "random:test_resnet"


def scores(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text())
    return {row["model"]: row["scores"] for row in document["rows"]}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """test_resnet with seeded weights, as somebody might have it on disk."""
    import timm
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = timm.create_model("test_resnet", pretrained=False)
    save_file(network.state_dict(), tmp_path / "mine.safetensors")
    return tmp_path / "mine.safetensors"


def test_real_weights_on_real_images_beat_the_untrained_control(
    featrank_main: Main, clipart_folder: Path, tmp_path: Path
) -> None:
    ended = featrank_main(
        "rank", "--dataset", clipart_folder, "--models", "tf_efficientnet_lite0",
        "--models", "random:tf_efficientnet_lite0", "-o", tmp_path / "r.json",
    )  # fmt: skip
    assert ended.code == 0
    first, last = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert (first["requested"], first["rank"]) == ("tf_efficientnet_lite0", 1)
    assert last["model"] == "random:tf_efficientnet_lite0"
    assert all(
        first["scores"][m]["value"] > last["scores"][m]["value"] for m in ("tmi", "gda", "nb")
    )
    assert first["n_features"] == 1280
    assert "72 images; 6 classes; smallest animals 12" in ended.out
    assert "tf_efficientnet_lite0 → package:tf_efficientnet_lite0.in1k" in ended.err


def test_a_warm_run_scores_the_same_to_the_last_bit_and_imports_nothing_heavy(
    featrank_main: Main,
    featrank_process: Any,
    images: Path,
    checkpoint: Path,
    tmp_path: Path,
) -> None:
    arguments = [
        "rank",
        "--dataset",
        str(images),
        "--models",
        f"{CONTROL},test_resnet@{checkpoint}",
        "--null",
        "2",
        "--metrics",
        "tmi,gda,nb,leep,spectrum",
    ]
    cold = featrank_main(*arguments, *SMALL, "-o", tmp_path / "cold.json")
    assert cold.code == 0, cold.err
    assert "plan: 24 images × 2 models: 0 cached, 2 to extract" in cold.err
    warm = featrank_process(*arguments, *SMALL, "-o", tmp_path / "warm.json")
    assert warm.returncode == 0, warm.stderr
    assert "2 cached, 0 to extract" in warm.stderr
    assert scores(tmp_path / "cold.json") == scores(tmp_path / "warm.json")
    assert all(
        ("null_mean" in score) == (name != "spectrum")
        for found in scores(tmp_path / "warm.json").values()
        for name, score in found.items()
    )
    assert {row["status"] for row in json.loads((tmp_path / "warm.json").read_text())["rows"]} == {
        "cached"
    }
    loaded = featrank_process(*arguments, *SMALL, PYTHONPROFILEIMPORTTIME="1").stderr
    imported = {line.split("|")[-1].strip().split(".")[0] for line in loaded.splitlines()}
    assert "rich" in imported
    assert not imported & {"torch", "torchvision", "timm", "sklearn", "scipy", "pandas"}


def test_digits_warm_imports_nothing_heavy_either(
    featrank_main: Main, featrank_process: Any
) -> None:
    arguments = ("rank", "--dataset", "digits", "--models", CONTROL, *SMALL)
    assert featrank_main(*arguments).code == 0
    loaded = featrank_process(*arguments, PYTHONPROFILEIMPORTTIME="1").stderr
    imported = {line.split("|")[-1].strip().split(".")[0] for line in loaded.splitlines()}
    assert not imported & {"torch", "torchvision", "timm", "sklearn", "scipy", "pandas"}


def test_moving_and_touching_the_folder_hits_the_cache(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    assert featrank_main("rank", "--dataset", images, "--models", CONTROL, *SMALL).code == 0
    moved = Path(shutil.move(images, tmp_path / "elsewhere"))
    for path in moved.rglob("*.*"):
        path.touch()
    ended = featrank_main("rank", "--dataset", moved, "--models", CONTROL, *SMALL)
    assert "1 cached" in ended.err


@pytest.mark.parametrize(
    "change",
    [
        ("--limit-per-class", "5"),
        ("--seed", "1"),
        ("--precision", "bfloat16"),
        ("--models", "random:test_vit"),
        ("--cache", "refresh"),
    ],
    ids=lambda change: change[0],
)
def test_what_changes_a_number_misses_the_cache(
    featrank_main: Main, images: Path, change: tuple[str, str]
) -> None:
    base = {
        "--dataset": str(images),
        "--models": CONTROL,
        "--limit-per-class": "4",
        "--workers": "0",
    }
    flags = [part for pair in base.items() for part in pair]
    assert featrank_main("rank", *flags).code == 0
    changed = [part for pair in {**base, change[0]: change[1]}.items() for part in pair]
    assert "0 cached, 1 to extract" in featrank_main("rank", *changed).err


def test_one_changed_pixel_misses_the_cache(featrank_main: Main, images: Path) -> None:
    from PIL import Image

    arguments = ("rank", "--dataset", images, "--models", CONTROL, "--workers", 0)
    assert featrank_main(*arguments).code == 0
    path = sorted((images / "food").iterdir())[0]
    with Image.open(path) as image:
        changed = image.convert("RGB")
    red, green, blue = changed.getpixel((0, 0))  # type: ignore[misc]
    changed.putpixel((0, 0), (red ^ 1, green, blue))
    changed.save(path.with_suffix(".png"))
    if path.suffix != ".png":
        path.unlink()
    assert "0 cached, 1 to extract" in featrank_main(*arguments).err


def test_cache_off_keeps_nothing_and_only_loads_nothing(
    featrank_main: Main, images: Path, cache_dir: Path
) -> None:
    arguments = ("rank", "--dataset", images, "--models", CONTROL, *SMALL)
    assert featrank_main(*arguments, "--cache", "off").code == 0
    assert not (cache_dir / "features").exists()
    ended = featrank_main(*arguments, "--cache", "only")
    assert ended.code == 3
    assert "not in the cache" in ended.out


def test_by_orders_by_one_metric(featrank_main: Main, images: Path, tmp_path: Path) -> None:
    ended = featrank_main(
        "rank", "--dataset", images, "--models", "random:test_resnet,random:test_vit", *SMALL,
        "--metrics", "nb,tmi", "--by", "tmi", "-o", tmp_path / "r.json",
    )  # fmt: skip
    assert ended.code == 0
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert list(rows[0]["scores"]) == ["nb", "tmi"]
    assert rows[0]["scores"]["tmi"]["value"] >= rows[1]["scores"]["tmi"]["value"]


def test_a_corrupt_image_is_counted_listed_and_with_strict_an_error(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    (images / "food" / "bad.png").write_bytes(b"\x89PNG torn")
    arguments = ("rank", "--dataset", images, "--models", CONTROL, "--workers", 0)
    ended = featrank_main(*arguments, "-o", tmp_path / "r.json")
    assert ended.code == 0
    assert "72 images" in ended.out
    assert "1 skipped" in ended.out
    document = json.loads((tmp_path / "r.json").read_text())
    (skipped,) = document["skipped"]
    assert skipped["path"] == "food/bad.png"
    assert skipped["reason"]
    for cache in ("reuse", "refresh"):
        strict = featrank_main(*arguments, "--strict", "--cache", cache)
        assert strict.code == 2
        assert "food/bad.png" in strict.err


def test_a_hub_that_does_not_answer_fails_each_model_with_the_way_out(
    featrank_process: Any, images: Path, checkpoint: Path
) -> None:
    ended = featrank_process(
        "rank", "--dataset", images, "--models", f"resnet50,vit_b16,test_resnet@{checkpoint}",
        *SMALL, HF_ENDPOINT="http://127.0.0.1:9", timeout=600,
    )  # fmt: skip
    assert ended.returncode == 3
    assert "resnet50 → timm:resnet50." in ended.stderr
    assert "vit_b16 → timm:vit_base_patch16_224." in ended.stderr
    assert "2 failed" in ended.stderr
    for name in ("resnet50", "vit_b16"):
        (line,) = [line for line in ended.stdout.splitlines() if line.startswith(f"{name} failed")]
        for way_out in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "prefetch", "@"):
            assert way_out in line
    assert "Traceback" not in ended.stdout + ended.stderr


def test_downloads_once_then_works_offline(
    featrank_process: Any, images: Path, checkpoint: Path, tmp_path: Path
) -> None:
    name = "test_resnet.r160_in1k"
    arguments = ("rank", "--dataset", images, "--models", "test_resnet", *SMALL, "-o")
    with LoopbackHub({f"timm/{name}/model.safetensors": checkpoint.read_bytes()}) as hub:
        online = featrank_process(*arguments, tmp_path / "a.json", HF_ENDPOINT=hub.url)
        assert online.returncode == 0, online.stderr + online.stdout
        path = f"/timm/{name}/resolve/main/model.safetensors"
        assert hub.requests.count(f"GET {path}") == 1
        hub.requests.clear()
        offline = featrank_process(
            *arguments, tmp_path / "b.json", "--cache", "refresh",
            HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1",
        )  # fmt: skip
        assert offline.returncode == 0, offline.stderr + offline.stdout
        assert hub.requests == []
    assert scores(tmp_path / "a.json") == scores(tmp_path / "b.json")


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(
    featrank_main: Main, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "bomb.pth").write_bytes(pickle.dumps({"conv1.weight": Bomb(tmp_path / "ran")}))
    ended = featrank_main(
        "rank", "--dataset", images, "--models", f"resnet18@{tmp_path / 'bomb.pth'}", *SMALL
    )
    assert ended.code == 2
    assert not (tmp_path / "ran").exists()
    assert "bomb.pth" in ended.err


def test_another_architectures_checkpoint_names_the_first_tensor(
    featrank_main: Main, images: Path, checkpoint: Path
) -> None:
    named = f"resnet18@{checkpoint}"
    ended = featrank_main("rank", "--dataset", images, "--models", named, *SMALL)
    assert ended.code == 2
    assert "conv1" in ended.err
    assert ended.out == ""
    # Among others it keeps its row.
    ended = featrank_main("rank", "--dataset", images, "--models", f"{named},{CONTROL}", *SMALL)
    assert ended.code == 3
    assert "conv1" in ended.out
    assert CONTROL in ended.out


def folders(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
    return root


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("missing folder", "no such folder"),
        ("empty folder", "empty|no class folders|no images"),
        ("one class", "one class"),
        ("nothing readable", "no readable image"),
        ("unknown model", "did you mean resnet50"),
        ("unknown metric", "did you mean gda"),
        ("unwritable output", "no such folder"),
        ("batch size 0", "--batch-size must be at least 1"),
        ("no such checkpoint", "nowhere.safetensors"),
        ("no such device", "--device 'tpu'"),
        ("no such split", "split"),
        ("by without metric", "--by nb"),
    ],
)
def test_asked_wrongly(
    featrank_main: Main, images: Path, tmp_path: Path, case: str, said: str
) -> None:
    import re

    flags: dict[str, object] = {"--dataset": images, "--models": CONTROL, "--workers": 0}
    if case == "one class":
        for path in list(images.iterdir())[1:]:
            shutil.rmtree(path)
    elif case == "nothing readable":
        for path in images.rglob("*.*"):
            path.write_bytes(b"torn")
    flags |= {
        "missing folder": {"--dataset": tmp_path / "nowhere"},
        "empty folder": {"--dataset": folders(tmp_path / "hollow")},
        "unknown model": {"--models": "resnet5O"},
        "unknown metric": {"--metrics": "gdaa"},
        "unwritable output": {"-o": tmp_path / "none" / "r.json"},
        "batch size 0": {"--batch-size": 0},
        "no such checkpoint": {"--models": "resnet50@nowhere.safetensors"},
        "no such device": {"--device": "tpu"},
        "no such split": {"--split": "val"},
        "by without metric": {"--metrics": "tmi", "--by": "nb"},
    }.get(case, {})  # type: ignore[arg-type]
    (tmp_path / "hollow").mkdir(exist_ok=True)
    ended = featrank_main("rank", *(part for pair in flags.items() for part in pair))
    assert ended.code == 2, ended
    assert re.search(said, ended.err), ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_debug_shows_where(featrank_process: Any, tmp_path: Path) -> None:
    arguments = ("rank", "--dataset", tmp_path / "x", "--models", CONTROL)
    assert "Traceback" not in featrank_process(*arguments).stderr
    assert "Traceback" in featrank_process(*arguments, "--debug").stderr


def test_a_networks_own_bug_fails_its_row_only(
    featrank_main: Main, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from timm.models.resnet import ResNet

    def broken(self: ResNet, x: object) -> None:
        raise ValueError("bad\nmultiline")

    monkeypatch.setattr(ResNet, "forward_features", broken)
    ended = featrank_main(
        "rank", "--dataset", images, "--models", f"{CONTROL},random:test_vit", *SMALL
    )
    assert ended.code == 3
    assert "random:test_resnet failed: ValueError: bad" in ended.out
    assert "random:test_vit" in ended.out.split("failed")[0]


def test_quiet_leaves_only_the_table(featrank_main: Main, images: Path) -> None:
    ended = featrank_main("rank", "--dataset", images, "--models", CONTROL, *SMALL, "--quiet")
    assert ended.err == ""
    assert CONTROL in ended.out


def test_python_here_is_the_one_that_runs(featrank_process: Any) -> None:
    assert sys.version_info >= (3, 11)
    assert featrank_process("--version").stdout.startswith("featrank ")
