"""The layout's law: few rooms in few rows, libraries in their rooms, a test file a module."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOT = REPOSITORY / "featrank"
ALLOWED = {
    "torch": {"zoos", "targets", "layers", "extract", "labelled", "metrics"},
    "torchvision": {"zoos", "targets", "layers", "extract"},
    "timm": {"zoos", "targets", "layers", "extract"},
    "pyarrow": {"cache", "storage", "render", "targets", "scoring"},
    "sklearn": {"labelled", "metrics", "scoring", "results"},
    "scipy": {"labelled", "metrics", "scoring", "results"},
    "rich": {"cli", "render"},
    "jinja2": {"render"},
    "typer": {"cli", "config"},
    "filelock": {"cache"},
    "huggingface_hub": {"zoos"},
    "safetensors": {"zoos"},
}
# Never at module level, except where the module itself is imported only for a forward pass.
LATE = {"torch", "torchvision", "timm", "sklearn", "scipy", "pyarrow", "jinja2", "huggingface_hub"}
MODULES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_level(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    for name in imports(ast.parse(path.read_text())):
        library = name.split(".")[0]
        if library in ALLOWED:
            assert room(path) in ALLOWED[library], f"{room(path)} imports {library}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_are_imported_late(path: Path) -> None:
    if room(path) in ("extract", "layers"):
        return
    early = {name.split(".")[0] for name in module_level(ast.parse(path.read_text()))}
    assert not early & LATE


def rows() -> list[set[str]]:
    """The rows that import-linter holds, the highest first."""
    config = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    (contract,) = (
        contract
        for contract in config["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    return [set(re.split(r" *\| *", layer)) for layer in contract["layers"]]


def test_the_house_is_small() -> None:
    rooms = {room(path) for path in MODULES} - {"__init__", "__main__"}
    assert len(rooms) <= 25
    assert len(rows()) <= 9
    assert rooms == set().union(*rows())


def test_the_rows_are_those_that_contributors_read_of() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    table = re.findall(r"^\| \d \| (.*) \|$", text, re.MULTILINE)
    told = [set(re.findall(r"`(\w+)(?:/|\.py)`", line)) for line in table]
    assert told == rows()


@pytest.mark.parametrize(
    ("folder", "declaration"),
    [("metrics", "METRIC"), ("zoos", "ZOO"), ("targets", "TARGET"), ("render", "FORMAT")],
)
def test_a_file_of_a_plugin_folder_is_a_plugin_or_begins_with_an_underscore(
    folder: str, declaration: str
) -> None:
    for path in (ROOT / folder).glob("*.py"):
        names = {
            target.id
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        assert (declaration in names) != path.name.startswith("_"), path.name


def test_every_command_is_a_file_and_every_other_file_begins_with_an_underscore() -> None:
    import typer

    from featrank.cli.app import app

    group = typer.main.get_command(app)
    files = {path.stem for path in (ROOT / "cli").glob("*.py")}
    commands = {stem for stem in files if not stem.startswith("_")} - {"app"}  # the program itself
    assert commands == set(group.commands)  # type: ignore[attr-defined]


def test_every_module_has_its_test_file() -> None:
    script = REPOSITORY / "scripts" / "check_mirror.py"
    checked = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")
