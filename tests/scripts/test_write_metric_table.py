"""The table of metrics in docs/metrics.md is what their declarations say."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "write_metric_table.py"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, arguments)])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_the_page_is_not_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--check", ROOT / "docs" / "metrics.md")


@pytest.mark.parametrize(
    ("old", "new"), [("| `gda` | ↑ |", "| `gda` | ↓ |"), ("| `vci` |", "| `vcj` |")]
)
def test_a_stale_table_is_found_and_mended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, old: str, new: str
) -> None:
    fresh = (ROOT / "docs" / "metrics.md").read_text()
    assert old in fresh
    stale = tmp_path / "metrics.md"
    stale.write_text(fresh.replace(old, new))
    with pytest.raises(SystemExit, match="stale"):
        run(monkeypatch, "--check", stale)
    run(monkeypatch, stale)
    assert stale.read_text() == fresh


def test_a_page_without_the_place_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "R.md").write_text("nothing")
    with pytest.raises(SystemExit, match="no '<!-- metrics"):
        run(monkeypatch, tmp_path / "R.md")
