"""A dataclass of options as flags, environment, TOML keys and checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from featrank.cli import _options as opt
from featrank.cli._takes import takes
from featrank.config import Checked, Listing, RunConfig, ScoreConfig, at_least
from featrank.errors import InputError


@dataclass(frozen=True, slots=True)
class Larger(ScoreConfig):
    """One more option, declared in one place."""

    depth: Annotated[int, typer.Option("--how-deep", help="How deep."), Checked(at_least(1))] = 4


class Seen:
    config: Any = None


@pytest.fixture
def program() -> tuple[typer.Typer, type[Seen]]:
    app = typer.Typer()

    @app.command()
    @takes(leave_out=("curve",))
    def measure(
        name: str, config: Larger, config_file: opt.ConfigFile = None, debug: opt.Debug = False
    ) -> None:
        """Measure something."""
        Seen.config = (name, config)

    @app.command()
    def other() -> None:
        """Another one, so that the first has a name."""

    return app, Seen


def test_a_new_field_is_a_flag_with_its_help(program: Any) -> None:
    app, seen = program
    runner = CliRunner()
    told = runner.invoke(app, ["measure", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert "--how-deep" in told.output
    assert "How deep." in told.output
    assert "the accuracy of nb" not in told.output
    ended = runner.invoke(
        app, ["measure", "x", "--how-deep", "7", "--metrics", "a,b", "--metrics=c"]
    )
    assert ended.exit_code == 0, ended.output
    name, config = seen.config
    assert (name, config.depth, config.metrics, config.seeds) == ("x", 7, ("a", "b", "c"), 5)


def test_it_is_a_key_of_a_file_and_a_variable_of_the_environment(
    program: Any, tmp_path: Path
) -> None:
    app, seen = program
    path = tmp_path / "settings.toml"
    path.write_text("[measure]\nhow-deep = 2\n")
    for arguments, environment, depth in (
        ([], {}, 4),
        (["--config", str(path)], {}, 2),
        (["--config", str(path)], {"FEATRANK_HOW_DEEP": "3"}, 3),
        (["--config", str(path), "--how-deep", "5"], {"FEATRANK_HOW_DEEP": "3"}, 5),
    ):
        ended = CliRunner().invoke(app, ["measure", "x", *arguments], env=environment)
        assert ended.exit_code == 0, ended.output
        assert seen.config[1].depth == depth


def test_it_is_checked_and_the_message_names_the_flag(program: Any) -> None:
    app, _ = program
    ended = CliRunner().invoke(app, ["measure", "x", "--how-deep", "0"])
    assert isinstance(ended.exception, InputError)
    assert str(ended.exception.message) == "--how-deep must be at least 1, got 0"
    with pytest.raises(InputError, match="--how-deep"):
        Larger(depth=0)


def test_every_field_of_a_run_is_a_flag_of_rank() -> None:
    from featrank.cli.app import app

    rank: Any = typer.main.get_command(app).commands["rank"]  # type: ignore[attr-defined]
    names = {parameter.name for parameter in rank.params}
    fields = set(RunConfig.__dataclass_fields__) - {"selection", "listing"}
    assert fields | set(Listing.__dataclass_fields__) <= names
    assert set(RunConfig("d", ("m",)).document["selection"]) <= names | {"selection"}


@pytest.mark.parametrize(
    ("command", "panels"),
    [
        ("rank", ["Target", "Models", "Scores", "Output", "Running"]),
        ("extract", ["Target", "Models", "Running", "Output"]),
        ("score", ["Scores", "Running", "Output"]),
    ],
)
def test_panels_of_help_stand_in_their_order(command: str, panels: list[str]) -> None:
    from featrank.cli.app import app

    params = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    named = (getattr(one, "rich_help_panel", None) for one in params)
    assert list(dict.fromkeys(filter(None, named))) == panels
