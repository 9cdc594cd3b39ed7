"""Flags beat the environment beats the file beats the defaults."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from result_documents import small_document

from featrank.cli._config_file import _commands, _parameters
from featrank.cli.app import app

Main = Callable[..., Any]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.json").write_text(json.dumps(small_document()))


def command(text: str = "") -> Any:
    import typer

    found: Any = typer.main.get_command(app)
    for name in text.split():
        found = found.commands[name]
    return found


def by(featrank_main: Main, *arguments: str) -> str | None:
    """What a run of ``table`` was told to order by, from where ever."""
    ended = featrank_main("table", "r.json", "--format", "json", *arguments)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["config"].get("by")  # type: ignore[no-any-return]


# Each pair of sources: what each says, and who wins.
@pytest.mark.parametrize(
    ("flag", "environment", "file", "winner"),
    [
        ("gda", "low", None, "gda"),
        ("gda", None, "low", "gda"),
        (None, "gda", "low", "gda"),
        ("gda", "low", "low", "gda"),
        (None, None, "gda", "gda"),
        (None, "gda", None, "gda"),
        (None, None, None, None),
    ],
)
def test_who_beats_whom(
    featrank_main: Main, monkeypatch: pytest.MonkeyPatch, flag: str | None,
    environment: str | None, file: str | None, winner: str | None,
) -> None:  # fmt: skip
    if environment is not None:
        monkeypatch.setenv("FEATRANK_BY", environment)
    arguments = ["--by", flag] if flag is not None else []
    if file is not None:
        Path("f.toml").write_text(f'by = "{file}"\n')
        arguments += ["--config", "f.toml"]
    assert by(featrank_main, *arguments) == winner


def test_a_commands_table_beats_the_top(featrank_main: Main) -> None:
    Path("f.toml").write_text(
        'by = "low"\nmodels = ["x"]\n[table]\nby = "gda"\n[rank]\nby = "tmi"\n'
    )
    assert by(featrank_main, "--config", "f.toml") == "gda"


def test_the_file_may_be_named_by_the_environment(
    featrank_main: Main, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("f.toml").write_text('by = "gda"\n')
    monkeypatch.setenv("FEATRANK_CONFIG", "f.toml")
    assert by(featrank_main) == "gda"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('\n\nmodles = ["x"]\n', ("f.toml, line 3: unknown key 'modles'", "did you mean models")),
        ('by = "gda"\n[rank]\nbatch-sze = 3\n', ("line 3", "'rank.batch-sze'", "batch-size")),
        ("[gate]\nbatch-size = 3\n", ("line 2", "unknown key 'gate.batch-size'")),
        ("[rnk]\nby = 'x'\n", ("line 1", "unknown table 'rnk'", "did you mean rank")),
        ('models = [\n "a",\n "b",\n]\nquite = true\n', ("line 5", "quiet")),
        ("by = 3 = 4\n", ("f.toml is not TOML", "line 1")),
        ("quiet = 'yes'\n", ("line 1", "quiet = 'yes'", "true or false")),
        ("per-layer = 1\n", ("line 1", "per-layer")),
        ("[table]\nby = true\n", ("line 2", "by = True")),
        ("by = ['gda', 'low']\n", ("line 1", "by = ['gda', 'low']")),
        ("output = [['a']]\n", ("line 1", "output")),
        ("config = 'g.toml'\n", ("line 1", "unknown key 'config'")),
    ],
)
def test_what_is_wrong_names_key_file_and_line(
    featrank_main: Main, text: str, said: tuple[str, ...]
) -> None:
    Path("f.toml").write_text(text)
    ended = featrank_main("table", "r.json", "--config", "f.toml")
    assert ended.code == 2, ended
    for part in said:
        assert part in ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_a_number_of_the_wrong_kind_names_the_line(featrank_main: Main) -> None:
    Path("f.toml").write_text('dataset = "digits"\nmodels = "x"\n\nbatch-size = "many"\n')
    ended = featrank_main("rank", "--config", "f.toml")
    assert ended.code == 2
    assert "f.toml, line 4: batch-size = 'many'" in ended.err


def test_no_such_file(featrank_main: Main) -> None:
    ended = featrank_main("table", "r.json", "--config", "nowhere.toml")
    assert ended.code == 2
    assert "--config nowhere.toml" in ended.err


def test_an_option_of_two_values_and_one_that_repeats(featrank_main: Main) -> None:
    Path("f.toml").write_text(
        '[gate]\nresults = ["r.json"]\nwithin-top = [3, "vit_b16"]\nallow = "failed"\n'
        'fail-under = ["gda=0.9", "low=9"]\n'
    )
    ended = featrank_main("gate", "--config", "f.toml")
    assert ended.code == 1, ended.err
    for said in ("--within-top 3 vit_b16", "--fail-under gda=0.9", "--fail-under low=9"):
        assert said in ended.out


def test_every_command_takes_a_file_and_every_flag_has_its_variable() -> None:
    for one in _commands(command()):
        assert "--config" in [flag for p in one.params for flag in p.opts], one.name


def test_no_two_flags_share_a_variable(
    featrank_main: Main, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # FEATRANK_CACHE is the folder; the mode of the same name has another one.
    monkeypatch.setenv("FEATRANK_CACHE_MODE", "nonsense")
    ended = featrank_main("rank", "--dataset", "digits", "--models", "random:test_resnet")
    assert "--cache 'nonsense' is unknown" in ended.err
    names = {key: parameter.envvar for key, parameter in _parameters(command("rank")).items()}
    chosen = [name for name in names.values() if name is not None]
    assert len(chosen) == len(set(chosen))
