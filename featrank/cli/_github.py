"""What GitHub Actions shows of a run: a step summary and annotations."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import typer

from featrank.cli._lines import tell
from featrank.render.text.visible import talk
from featrank.storage.named_files import append_named

# GitHub drops a summary that is larger than this altogether.
_MOST_BYTES = 1_000_000


def wanted(flag: bool | None) -> bool:
    """Whether to write them: as the flag says, else inside an action."""
    return os.environ.get("GITHUB_ACTIONS") == "true" if flag is None else flag


def write_summary(lines: Iterable[str]) -> None:
    """Add Markdown to the step's summary, where the environment names its file."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    text = "\n".join(lines)
    try:
        with append_named(Path(path)) as stream:
            if len(text.encode("utf-8", "replace")) > _MOST_BYTES:
                text = "featrank: the summary is too long to show; see the result's files."
            stream.write(f"{text}\n\n".encode(errors="backslashreplace"))
    except OSError as error:
        tell(f"warning: cannot write the step summary: {error.strerror}")


def annotate(title: str, message: str) -> None:
    """An error at the top of the job; on stderr, because stdout is data."""
    typer.echo(f"::error title={_escape(title, ':,')}::{_escape(message)}", err=True)


def _escape(text: str, more: str = "") -> str:
    """Visible, and as GitHub's own toolkit escapes: nothing in it ends the command."""
    text = talk(text)
    for char in ("%", *more):
        text = text.replace(char, f"%{ord(char):02X}")
    return text
