"""Target kinds of other packages, of which a step fails."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_packages import install

from featrank.errors import PluginError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access
from featrank.targets._plugins import admit
from featrank.targets.digits import TARGET as DIGITS

Run = Callable[..., subprocess.CompletedProcess[str]]

KIND = """
import dataclasses
from featrank.targets.digits import TARGET as DIGITS
class Twice:
    name = "twice"
    def accepts(self, spec):
        return spec == "twice:digits"
    def open(self, spec, access):
        return dataclasses.replace(DIGITS.open("digits", access), name=spec)
TARGET = Twice()
"""
POINTS = "[featrank.targets]\nit = {}:TARGET\n"
PLAN = ("rank", "--limit-per-class", 1, "--dry-run", "--models", "random:test_vit", "--dataset")


def test_one_that_fails_to_say_what_it_accepts_is_a_warning(
    featrank_process: Run, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    install(site, "twice", KIND, POINTS.format("twice"))
    code = KIND.replace('"twice"', '"mute"').replace("return spec ==", "raise ValueError")
    install(site, "mute", code.replace('ValueError "twice:digits"', "ValueError"),
            POINTS.format("mute"))  # fmt: skip
    path = install(site, "torn", "raise OSError('worms')", POINTS.format("torn"))
    ended = featrank_process(*PLAN, "twice:digits", PYTHONPATH=path)
    assert ended.returncode == 0, ended.stderr
    assert "random:test_vit" in ended.stdout
    warned = [line for line in ended.stderr.splitlines() if line.startswith("warning: ")]
    assert warned == [
        "warning: plug-in it of torn 1.0 is left out: OSError('worms')",
        "warning: the target kind 'mute' of mute 1.0 failed and is passed over: ValueError()",
    ]


def test_one_that_cannot_open_is_named(featrank_process: Run, tmp_path: Path) -> None:
    code = KIND.replace("return dataclasses", "raise RuntimeError\n        return dataclasses")
    path = install(tmp_path / "site", "twice", code, POINTS.format("twice"))
    ended = featrank_process(*PLAN, "twice:digits", PYTHONPATH=path)
    assert (ended.returncode, ended.stdout) == (3, "")
    said = "error: the target kind 'twice' of twice 1.0 failed: RuntimeError()"
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


class Kind:
    """A whole one, whose parts a test replaces."""

    name: Any = "mine"
    accepts: Any = staticmethod(DIGITS.accepts)
    open: Any = staticmethod(DIGITS.open)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"name": 7}, "no name for a target kind"),
        ({"name": ""}, "no name for a target kind"),
        ({"accepts": None}, "needs accepts"),
        ({"accepts": None, "open": "x"}, "needs accepts and open"),
    ],
)
def test_what_is_no_kind(part: dict[str, Any], said: str) -> None:
    kind = Kind()
    for name, value in part.items():
        setattr(kind, name, value)
    with pytest.raises(TypeError, match=said):
        admit(kind, "mine 1.0")


def test_what_it_opens_is_a_target() -> None:
    kind, access = Kind(), Access(FileHashes())
    assert admit(kind, "mine 1.0").open("digits", access).name == "digits"
    kind.open = lambda spec, access: spec
    with pytest.raises(PluginError, match=r"of mine 1\.0 failed: TypeError.*'digits' is no Target"):
        admit(kind, "mine 1.0").open("digits", access)
