"""README.md and docs/: short; commands parse, links lead somewhere, TOML loads."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import typer

from featrank.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def lines_of_code(page: Path) -> list[str]:
    """What stands in indented blocks and in those of a shell, a command a line."""
    text = page.read_text()
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks.append("\n".join(re.findall(r"^    (.*)$", outside, re.MULTILINE)))
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def commands(page: Path) -> list[str]:
    """The runs of featrank; what is left open by an ellipsis is filled in, choices are split."""
    found = []
    for line in lines_of_code(page):
        start = re.match(r"\s*(exec )?featrank (?P<rest>.*)", line)
        if start:
            found.append(start["rest"].replace("rank …", "rank --dataset d --models m"))
    return found


def inline(page: Path) -> list[str]:
    return re.findall(r"`featrank ([^`]*)`", re.sub(r"\s*\n\s*", " ", page.read_text()))


CASES = [(page, line) for page in PAGES for line in dict.fromkeys([*commands(page), *inline(page)])]


@pytest.mark.parametrize(
    ("page", "line"), CASES, ids=[f"{page.stem}-{line[:40]}" for page, line in CASES]
)
def test_a_command_is_one_that_the_program_takes(page: Path, line: str) -> None:
    words = [word for word in shlex.split(line, comments=True) if word != "…"]
    for chosen in choices(words):
        command: Any = typer.main.get_command(app)
        rest = list(chosen)
        while rest and hasattr(command, "commands"):
            assert rest[0] in command.commands, f"{page.name}: featrank {line}"
            command = command.commands[rest.pop(0)]
        context = click.Context(command)
        command.make_parser(context).parse_args(rest)


def choices(words: list[str]) -> list[list[str]]:
    """``cache list | verify`` is two commands, ``score KEY | FILE`` two arguments."""
    if "|" not in words:
        return [words]
    if words[0] != "cache":
        return [[word for word in words if word != "|"]]
    alternatives, current = [], []
    for word in [*words[1:], "|"]:
        if word == "|":
            alternatives.append(["cache", *current])
            current = []
        else:
            current.append(word)
    return alternatives


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_toml_is_toml(page: Path) -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        assert tomllib.loads(block)


def test_the_readme_is_read_in_five_minutes_and_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.count("\n") <= 200
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in text


def test_every_command_of_the_program_is_in_the_pages() -> None:
    group: Any = typer.main.get_command(app)
    told = {line.split()[0] for _, line in CASES}
    assert set(group.commands) <= told
