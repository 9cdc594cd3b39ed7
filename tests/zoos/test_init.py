from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.zoos import ZOOS, Shelf, resolve_models, zoo_of
from featrank.zoos.packages import CARRIERS

Run = Callable[..., subprocess.CompletedProcess[str]]

needs_lite0 = pytest.mark.skipif(
    CARRIERS[0].find() is None, reason=f"needs the package {CARRIERS[0].distribution}"
)


def ids(specs: list[str], shelf: Shelf) -> list[str]:
    return [model.id for model in resolve_models(specs, shelf)]


def test_the_zoos_there_are() -> None:
    assert set(ZOOS.names()) == {
        "checkpoint", "hf-hub", "local-dir", "package", "random", "timm", "torchvision",
    }  # fmt: skip


def test_commas_order_and_duplicates(shelf: Shelf) -> None:
    found = ids(["resnet18, random:resnet18", "ResNet-18,resnet34,"], shelf)
    assert found == ["timm:resnet18.a1_in1k", "random:resnet18", "timm:resnet34.a1_in1k"]


def test_what_was_typed_is_kept(shelf: Shelf) -> None:
    models = resolve_models(["vit_b16", "timm:resnet1[8]", "random:resnet18"], shelf)
    assert [model.requested for model in models] == ["vit_b16", "timm:resnet18", "random:resnet18"]
    assert [zoo_of(model).name for model in models] == ["timm", "timm", "random"]


@needs_lite0
def test_installed_weights_are_nearer_than_the_hub(shelf: Shelf) -> None:
    (bare,) = resolve_models(["tf_efficientnet_lite0"], shelf)
    assert bare.id == "package:tf_efficientnet_lite0.in1k"
    assert bare.note == f"weights from the installed package {CARRIERS[0].distribution}"
    found = ids(["timm:tf_efficientnet_lite0", "tf_efficientnet_lite0", "tf_*lite[03]"], shelf)
    assert found == [
        "timm:tf_efficientnet_lite0.in1k",
        "package:tf_efficientnet_lite0.in1k",
        "timm:tf_efficientnet_lite3.in1k",
    ]


def test_files(small_file: Path, tmp_path: Path, shelf: Shelf) -> None:
    with_comma = tmp_path / "a,b:c.safetensors"
    with_comma.write_bytes(small_file.read_bytes())
    for text in (f"test_resnet@{small_file}", f"test_resnet@{with_comma}"):
        assert ids([text], shelf) == ids([f"checkpoint:{text}"], shelf)


@pytest.mark.parametrize(
    ("spec", "says", "hint"),
    [
        ("resnet5", "unknown model 'resnet5'", "resnet50"),
        ("timm:resnet5", "unknown model 'timm:resnet5'", "resnet50"),
        ("resnt*", "no model matches 'resnt\\*'", ""),
        ("zzzzzzzz", "unknown model 'zzzzzzzz'", "featrank models"),
        ("tim:resnet50", "unknown zoo 'tim'", "timm"),
        ("foo:resnet50", "unknown zoo 'foo'", "checkpoint"),
        ("package:resnet50", "unknown model", ""),
    ],
)
def test_unknown(spec: str, says: str, hint: str, shelf: Shelf) -> None:
    with pytest.raises(InputError, match=says) as caught:
        resolve_models([spec], shelf)
    assert hint in caught.value.hint


@pytest.mark.parametrize("specs", [[], [""], [" , "]])
def test_nothing_asked(specs: list[str], shelf: Shelf) -> None:
    with pytest.raises(InputError, match="no models given"):
        resolve_models(specs, shelf)


MINE = """
from dataclasses import replace
from featrank.zoos.untrained import UntrainedZoo

class MyZoo(UntrainedZoo):
    name = "mine"

    def resolve(self, text, shelf):
        found = super().resolve("test_" + text, shelf)
        return [replace(model, requested=text, name=text) for model in found]

    def names(self, shelf):
        return ["resnet", "vit"]

    def preprocessing(self, model, shelf):
        return shelf.index.entry("test_" + model.name).preprocessing

ZOO = MyZoo()
"""
# Each declares a zoo as the code says, which is not to be had.
BROKEN = {
    "worm-eaten": ("raise OSError('worms')", "OSError('worms')"),
    "quitter": ("import sys; sys.exit(0)", "SystemExit(0)"),
    "hollow": ("", "AttributeError"),
    "nameless": ("ZOO = object()", "AttributeError"),
    "copycat": (MINE.replace('"mine"', '"timm"'), "there is a zoo 'timm' already"),
}


def install(site: Path, package: str, code: str, points: str | None = None) -> None:
    """As an installer leaves a package with an entry point."""
    module = package.replace("-", "_")
    site.mkdir(exist_ok=True)
    (site / f"{module}.py").write_text(code)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    points = points or f"[featrank.zoos]\n{module} = {module}:ZOO\n"
    (info / "entry_points.txt").write_text(points)


def test_another_package_adds_a_zoo_and_a_broken_one_is_a_warning(
    featrank_process: Run, tmp_path: Path
) -> None:
    """Installed distributions with the entry point, found by a process of its own."""
    site = tmp_path / "site"
    install(site, "my-zoo", MINE)
    for package, (code, _) in BROKEN.items():
        install(site, package, code)
    # What stands in another group, and cannot be read, is no business of the zoos.
    install(site, "stranger", "", "[stranger]\nno equals sign\n")
    install(site, "scrawl", "", "[featrank.zoos]\nno equals sign\n")
    ended = featrank_process(
        "rank", "--dataset", "digits", "--limit-per-class", 1, "--dry-run", "--format", "json",
        "--models", "mine:resnet,random:test_vit",
        PYTHONPATH=os.pathsep.join([str(site), *sys.path]),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert [(model["model"], model["images"]) for model in json.loads(ended.stdout)] == [
        ("mine:resnet", 10), ("random:test_vit", 10),
    ]  # fmt: skip
    warned = [line for line in ended.stderr.splitlines() if line.startswith("warning: ")]
    reasons = {package: why for package, (_, why) in BROKEN.items()} | {"scrawl": "'value'"}
    assert len(warned) == len(reasons)
    for package, why in reasons.items():
        (line,) = [line for line in warned if f" of {package} 1.0 is left out: " in line]
        assert why in line
    assert "Traceback" not in ended.stderr
