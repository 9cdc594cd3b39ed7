"""Zoos of other packages, and what is added to them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_packages import install

from featrank.errors import IncompleteError, PluginError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.zoos import Card, Shelf, Zoo
from featrank.zoos._plugins import admit, complete

Run = Callable[..., subprocess.CompletedProcess[str]]

MINE = """
from dataclasses import replace
from featrank.zoos._timm_index import TimmIndex
from featrank.zoos.untrained import UntrainedZoo

class MyZoo(UntrainedZoo):
    name = "mine"

    def resolve(self, text, shelf):
        found = super().resolve("test_" + text, shelf)
        return [replace(model, requested=text, name=text) for model in found]

    def names(self, shelf):
        return ["resnet", "vit"]

    def preprocessing(self, model, shelf):
        return shelf.of(TimmIndex).entry("test_" + model.name).preprocessing

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


# A zoo as they were before they had a base class: it loads, and cannot build.
OLDER = """
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.zoos._zoo import Loaded

class Older:
    name = "older"

    def resolve(self, text, shelf):
        return [ModelRef(text, "older", "one", "older one")] if text in ("one", "*") else []

    def names(self, shelf):
        return ["one"]

    def preprocessing(self, model, shelf):
        return Preprocessing((3, 32, 32), 1.0, "center", "bilinear", (0.5,) * 3, (0.5,) * 3)

    def find_weights(self, model, shelf):
        return Weights("0" * 64)

    fetch_weights = find_weights

    def download_size(self, model, shelf):
        return 0

    def load(self, model, weights):
        import timm
        return Loaded(timm.create_model("test_resnet", pretrained=False).eval())

ZOO = Older()
"""


def test_a_zoo_without_the_base_class_gets_its_defaults(
    featrank_process: Run, tmp_path: Path
) -> None:
    path = install(tmp_path / "site", "older-zoo", OLDER)
    listed = featrank_process("layers", "older:one", "--json", PYTHONPATH=path)
    assert listed.returncode == 0, listed.stderr
    names = [layer["name"] for layer in json.loads(listed.stdout)["older:one"]]
    assert names[-3:] == ["layer4.0", "pre_logits", "head"]
    cards = featrank_process("models", "older:*", "--json", PYTHONPATH=path)
    assert json.loads(cards.stdout) == [
        {"name": "older:one", "input_size": [3, 32, 32], "pretrained_on": [], "cached": True}
    ]


class Least:
    name = "least"

    def names(self, shelf: Shelf) -> list[str]:
        return ["one", "two"]

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        return Preprocessing((3, 32, 32), 1.0, "center", "bilinear", (0.5,) * 3, (0.5,) * 3)

    def find_weights(self, model: ModelRef, shelf: Shelf) -> None:
        return None

    def build(self, model: ModelRef) -> None:
        return None


def test_what_is_lacking_is_as_in_the_base_class(shelf: Shelf) -> None:
    zoo = complete(Least())
    assert isinstance(zoo, Zoo)
    (model,) = zoo.resolve("one", shelf)
    assert (model.id, model.architecture) == ("least:one", "least:one")
    assert [m.name for m in zoo.resolve("t*", shelf)] == ["two"]
    assert list(zoo.cards("two", shelf)) == [Card("two", input_size=(3, 32, 32))]
    for step in (zoo.fetch_weights, zoo.download_size):
        with pytest.raises(IncompleteError, match="least:one are not on this machine"):
            step(model, shelf)


def test_one_that_says_when_it_downloads_is_not_made_to(shelf: Shelf) -> None:
    class Downloads(Least):
        def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
            raise AssertionError

    zoo = complete(Downloads())
    assert zoo.download_size(ModelRef("one", "least", "one", ""), shelf) is None


def test_what_is_no_zoo(shelf: Shelf) -> None:
    class Mute(Zoo):
        name = "mute"

    with pytest.raises(TypeError, match="needs names, preprocessing, find_weights, build or load"):
        complete(Mute())
    for name in ("a:b", "", 7):
        wrong = Least()
        wrong.name = name
        with pytest.raises(ValueError, match="no name for a zoo"):
            complete(wrong)


def test_another_package_adds_a_zoo_and_a_broken_one_is_a_warning(
    featrank_process: Run, tmp_path: Path
) -> None:
    """Installed distributions with the entry point, found by a process of its own."""
    site = tmp_path / "site"
    path = install(site, "my-zoo", MINE)
    for package, (code, _) in BROKEN.items():
        install(site, package, code)
    # What stands in another group, and cannot be read, is no business of the zoos.
    install(site, "stranger", "", "[stranger]\nno equals sign\n")
    install(site, "scrawl", "", "[featrank.zoos]\nno equals sign\n")
    ended = featrank_process(
        "rank", "--dataset", "digits", "--limit-per-class", 1, "--dry-run", "--format", "json",
        "--models", "mine:resnet,random:test_vit",
        PYTHONPATH=path,
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


# A zoo of which one step fails, and the others do not.
FAULTY = """
import sys
from featrank.records import Preprocessing
from featrank.zoos import Zoo

class Faulty(Zoo):
    name = "faulty"
    takes_bare_names = True

    def names(self, shelf):
        return ["one"]

    def preprocessing(self, model, shelf):
        return Preprocessing((3, 32, 32), 1.0, "center", "bilinear", (0.5,) * 3, (0.5,) * 3)

    def find_weights(self, model, shelf):
        return None

    def build(self, model):
        return None

    def {step}(self, *given):
        print("a word of the plug-in's own")
        {fault}

ZOO = Faulty()
"""
FAULTS = {
    "raises": "raise ValueError('worms')",
    "exits": "sys.exit(0)",
    "refuses": "from featrank.errors import InputError; raise InputError('not me')",
    "gives nonsense": "return 7",
}


def faulty(step: str, fault: str, name: str = "faulty") -> str:
    """The code of a zoo."""
    return FAULTY.format(step=step, fault=FAULTS[fault]).replace('"faulty"', f'"{name}"')


def test_one_that_fails_when_all_are_asked_is_a_warning(
    featrank_process: Run, tmp_path: Path
) -> None:
    faults = [(step, fault) for step in ("claims", "nearer") for fault in FAULTS]
    faults.remove(("claims", "gives nonsense"))  # every value is true or false
    names = [f"{step}-{fault.replace(' ', '-')}" for step, fault in faults]
    for name, (step, fault) in zip(names, faults, strict=True):
        path = install(tmp_path / "site", f"{name}-zoo", faulty(step, fault, name))
    ended = featrank_process("models", "test_vit.r160_in1k", "--names", PYTHONPATH=path)
    assert (ended.returncode, ended.stdout) == (0, "test_vit.r160_in1k\n"), ended.stderr
    warned = [line for line in ended.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warned) == len(names)
    for name in names:
        said = f"warning: the zoo '{name}' of {name}-zoo 1.0 failed and is passed over: "
        assert sum(line.startswith(said) for line in warned) == 1
    assert "Traceback" not in ended.stderr


def test_one_that_fails_on_bare_names_leaves_them_to_the_others(
    featrank_process: Run, tmp_path: Path
) -> None:
    steps = ("names", "resolve", "cards")
    for step in steps:
        path = install(tmp_path / "site", f"{step}-zoo", faulty(step, "raises", step))
    ended = featrank_process("models", "tf_efficientnet_lit0", "--names", PYTHONPATH=path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "no model matches 'tf_efficientnet_lit0'" in ended.stderr
    assert "did you mean tf_efficientnet_lite0" in ended.stderr
    for step in steps:
        assert f"warning: the zoo '{step}' of {step}-zoo 1.0 failed: ValueError" in ended.stderr


def test_one_that_fails_fails_its_own_models_only(featrank_process: Run, tmp_path: Path) -> None:
    """Each in its row, with the package's name; a name that it cannot read is an error."""
    site = tmp_path / "site"
    steps = ("preprocessing", "find_weights", "layers_key", "build", "download_size", "resolve")
    for step in steps:
        name = step.replace("_", "-")
        path = install(site, f"bad-{name}", faulty(step, "raises", name))
    models = ",".join(f"{step.replace('_', '-')}:one" for step in steps[:-1])
    ended = featrank_process(
        "rank", "--dataset", "digits", "--limit-per-class", 1, "--dry-run", "--format", "json",
        "--layers", "all", "--models", f"{models},random:test_vit", PYTHONPATH=path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    planned = {model["model"]: model for model in json.loads(ended.stdout)}
    assert "reason" not in planned["random:test_vit"]
    for step in ("preprocessing", "find_weights", "layers_key", "build"):
        name = step.replace("_", "-")
        said = f"the zoo '{name}' of bad-{name} 1.0 failed: ValueError('worms')"
        assert said in planned[f"{name}:one"]["reason"]
    asked = featrank_process("layers", "resolve:one", PYTHONPATH=path)
    assert (asked.returncode, asked.stdout) == (3, "")
    assert "error: the zoo 'resolve' of bad-resolve 1.0 failed: ValueError('worms')" in asked.stderr
    assert "Traceback" not in ended.stderr + asked.stderr


def test_what_a_zoo_answers_is_of_the_kind_that_it_promises(shelf: Shelf) -> None:
    class Odd(Least):
        def names(self, shelf: Shelf) -> Any:
            return iter(["one", 2])

        def find_weights(self, model: ModelRef, shelf: Shelf) -> Any:
            return "somewhere"

    zoo = admit(Odd(), "odd 1.0")
    assert zoo.names(shelf) == []
    with pytest.raises(PluginError, match=r"the zoo 'least' of odd 1\.0 failed: TypeError"):
        zoo.find_weights(ModelRef("one", "least", "one", ""), shelf)
