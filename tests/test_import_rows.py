"""The layout's law: a module imports only from rows below its own, and heavy libraries stay put."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import featrank

ROOT = Path(featrank.__file__).parent
ROWS = [
    {"errors"},
    {"records", "registry", "reporting", "storage"},
    {"config", "stamp"},
    {"labelled", "zoos", "targets"},
    {"metrics", "layers"},
    {"cache", "extract", "results"},
    {"scoring", "render", "gate"},
    {"run"},
    {"cli"},
]
ALLOWED = {
    "torch": {"zoos", "targets", "layers", "extract", "labelled", "metrics"},
    "torchvision": {"zoos", "targets", "layers", "extract"},
    "timm": {"zoos", "targets", "layers", "extract"},
    "pyarrow": {"cache", "storage", "render", "targets", "scoring"},
    "sklearn": {"labelled", "metrics", "scoring", "results"},
    "scipy": {"labelled", "metrics", "scoring", "results"},
    "rich": {"cli", "render"},
    "jinja2": {"render"},
    "typer": {"cli"},
    "filelock": {"cache"},
    "huggingface_hub": {"zoos"},
    "safetensors": {"zoos"},
}
# Never at module level, except where the module itself is imported only for a forward pass.
LATE = {"torch", "torchvision", "timm", "sklearn", "scipy", "pyarrow", "jinja2", "huggingface_hub"}
MODULES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def row(name: str) -> int:
    return next(i for i, rooms in enumerate(ROWS) if name in rooms)


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
def test_imports_only_from_rows_below(path: Path) -> None:
    if path.parent == ROOT and path.name in ("__init__.py", "__main__.py"):
        return
    here = room(path)
    for name in imports(ast.parse(path.read_text())):
        parts = name.split(".")
        if parts[0] == "featrank" and len(parts) > 1 and parts[1] not in (here, "__version__"):
            assert row(parts[1]) < row(here), f"{here} imports {name}"


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


def test_every_module_has_its_row() -> None:
    rooms = {room(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms == set().union(*ROWS)
