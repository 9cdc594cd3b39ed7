"""Streams that the caller closed get stand-ins, and their numbers go to no other file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os, sys
from featrank.cli._streams import open_closed_streams, silence_stdout
open_closed_streams()
print("lost"); print("lost", file=sys.stderr)
number = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.write(number, b"kept")
sys.stdout.flush(); silence_stdout(); print("lost too")
sys.exit(0 if number > 2 else 1)
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_place_of_a_closed_stream(closed: str, tmp_path: Path) -> None:
    command = f'{sys.executable} -c "$0" "$1" {closed}'
    ended = subprocess.run(["sh", "-c", command, CODE, str(tmp_path / "f")], check=False)
    assert ended.returncode == 0
    assert (tmp_path / "f").read_text() == "kept"
