"""Tell which modules lack their test file, and which test files stand for no module.

featrank/a/b.py and featrank/a/_b.py are tested in tests/a/test_b.py, featrank/a/__init__.py, where
it holds more than a docstring, in tests/a/test_init.py. tests/contract/ holds laws of many modules,
tests/cli/ also whole runs, tests/scripts/ the scripts.

    python scripts/check_mirror.py [ROOT]
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

# What other tests cover: the entry of `python -m featrank`, and the program's start and end.
_ELSEWHERE = {"__main__.py", "cli/__init__.py"}
_FREE = ("contract/", "cli/", "scripts/")
# Of the project as a whole, and of what several modules of a room do together.
_OF_SEVERAL = {
    "test_configs.py",
    "test_contributing.py",
    "test_docs.py",
    "test_house.py",
    "test_workflows.py",
    "cache/test_claims.py",
    "cache/test_other_tools.py",
}


def breaches(root: Path) -> Iterator[str]:
    """One line for each file without its mirror image.

    Args:
        root: The folder that has featrank/ and tests/.
    """
    modules = {
        _mirror(path.relative_to(root / "featrank")): path.relative_to(root / "featrank").as_posix()
        for path in sorted((root / "featrank").rglob("*.py"))
        if _says_something(path)
    }
    scripts = {f"scripts/test_{path.name}" for path in (root / "scripts").glob("*.py")}
    tests = {
        path.relative_to(root / "tests").as_posix()
        for path in sorted((root / "tests").rglob("test_*.py"))
    }
    for test, module in modules.items():
        if test not in tests and module not in _ELSEWHERE:
            yield f"featrank/{module} has no tests/{test}"
    for test in sorted(tests - modules.keys() - _OF_SEVERAL):
        if not test.startswith(_FREE) or (test.startswith("scripts/") and test not in scripts):
            yield f"tests/{test} mirrors no module"


def _mirror(module: Path) -> str:
    name = "init" if module.stem == "__init__" else module.stem.lstrip("_")
    return module.with_name(f"test_{name}.py").as_posix()


def _says_something(path: Path) -> bool:
    """Whether there is more in it than a docstring and names of others."""
    body = ast.parse(path.read_text()).body[1:]
    if path.name != "__init__.py":
        return True
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body)


def main() -> None:
    """Print the breaches; 1 where there are any."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1]
    found = list(breaches(root))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
