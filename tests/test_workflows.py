"""The workflows run what the Makefile has, and the hooks what the project has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(workflow: Any) -> list[str]:
    """What the steps run, with every value of the matrix in its place."""
    found = []
    for job in workflow["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            line = step.get("run", "")
            if wanted := re.search(r"\$\{\{ matrix\.(\w+) \}\}", line):
                found += [line.replace(wanted[0], value) for value in matrix[wanted[1]]]
            elif line:
                found.append(line)
    return found


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_step_runs_a_target_that_is_there(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow[True], "it is triggered by something"  # YAML reads `on` as true
    made = [line.split()[1] for line in commands(workflow) if line.startswith("make ")]
    assert made
    assert set(made) <= TARGETS
    for job in workflow["jobs"].values():
        assert job["steps"][0].get("uses", "").startswith(("actions/checkout@", "actions/download"))


def test_both_pythons_and_both_ends_of_the_versions_are_tested() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert matrix == {"python": ["3.11", "3.12"], "target": ["test", "test-lowest"]}
    assert "make test-sdist" in commands(workflow)


def test_the_hooks_are_programs_of_the_environment_or_scripts_of_ours() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {hook["id"] for hook in hooks} == {"ruff", "ruff-format", "mypy", "imports", "mirror"}
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        assert program.startswith(".venv/bin/")
        assert all((ROOT / word).exists() for word in arguments if word.endswith(".py"))
