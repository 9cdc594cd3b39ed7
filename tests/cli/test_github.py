from pathlib import Path

import pytest

from featrank.cli import _github as github


@pytest.mark.parametrize(
    ("flag", "environment", "wanted"),
    [(None, "true", True), (None, None, False), (None, "false", False), (True, None, True),
     (False, "true", False)],
)  # fmt: skip
def test_when(
    monkeypatch: pytest.MonkeyPatch, flag: bool | None, environment: str | None, wanted: bool
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    if environment is not None:
        monkeypatch.setenv("GITHUB_ACTIONS", environment)
    assert github.wanted(flag) is wanted


def test_no_text_ends_a_command_or_starts_another(capfd: pytest.CaptureFixture[str]) -> None:
    github.annotate("a,b::c\n", "50%\r\n::error::forged")
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "::error title=a%2Cb%3A%3Ac\\n::50%25\\r\\n::error::forged\n"


def test_the_summary_is_added_to_and_never_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    path.write_text("before\n")
    github.write_summary(["one", "two"])
    assert path.read_text() == "before\none\ntwo\n\n"
    github.write_summary(["x" * 2_000_000])
    assert "too long to show" in path.read_text()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "summary.md"))
    github.write_summary(["lost"])
    assert "cannot write the step summary" in capfd.readouterr().err
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    github.write_summary(["nowhere"])
