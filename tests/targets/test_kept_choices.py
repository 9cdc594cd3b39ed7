from __future__ import annotations

import json
from pathlib import Path

import pytest

from featrank.storage.kept_json import write_kept
from featrank.targets import _kept_choices as kept
from featrank.targets._kept_choices import choice_name, recall_choice, remember_choice
from featrank.targets._range_choice import Choice

CHOICE = Choice({"integer": (0.0, 4095.0)}, {"d": "no range"}, ("said",), "integer=0:4095")


def test_it_is_remembered(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert recall_choice(folder, "a") is None
    remember_choice(folder, "a", CHOICE)
    remember_choice(folder, "b", Choice({}, {}, (), ""))
    assert recall_choice(folder, "a") == CHOICE
    assert recall_choice(folder, "c") is None


def test_without_a_folder_nothing_is() -> None:
    remember_choice(None, "a", CHOICE)
    assert recall_choice(None, "a") is None


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_MAX_KEPT", 2)
    for name in "abc":
        remember_choice(tmp_path, name, CHOICE)
    assert [name for name in "abc" if recall_choice(tmp_path, name)] == ["b", "c"]


@pytest.mark.parametrize("entry", [{}, [], {"ranges": {"integer": "x"}}, 7])
def test_what_is_no_choice_is_not_taken_for_one(tmp_path: Path, entry: object) -> None:
    write_kept(tmp_path / "value-ranges.json", {"a": entry})
    assert recall_choice(tmp_path, "a") is None


def test_a_broken_file_is_forgotten(tmp_path: Path) -> None:
    remember_choice(tmp_path, "a", CHOICE)
    file = tmp_path / "value-ranges.json"
    document = json.loads(file.read_text())
    document["a"]["decoding"] = ""
    file.write_text(json.dumps(document))
    assert recall_choice(tmp_path, "a") is None
    remember_choice(tmp_path, "a", CHOICE)
    assert recall_choice(tmp_path, "a") == CHOICE


def test_what_a_choice_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    name = choice_name({"1", "2"}, "auto")
    assert name == choice_name(["2", "1"], "auto")
    assert len({name, choice_name({"1"}, "auto"), choice_name({"1", "2"}, "12")}) == 3
    monkeypatch.setattr(kept, "PLUGINS", {})
    assert choice_name({"1", "2"}, "auto") != name
