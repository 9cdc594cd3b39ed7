"""``--dataset``: which kind a word means, and what asking costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.file_hashes import FileHashes
from featrank.records import Selection
from featrank.targets import TARGETS, open_target


def test_kinds() -> None:
    assert TARGETS.names() == ["clipart", "digits", "image_folder"]


@pytest.mark.parametrize(
    ("spec", "kind"),
    [("clipart", "clipart"), ("digits", "digits"), (".", "image_folder"), ("a/b", "image_folder")],
)
def test_one_kind_accepts(spec: str, kind: str) -> None:
    assert [found.name for found in TARGETS if found.accepts(spec)] == [kind]


@pytest.mark.parametrize(
    ("spec", "hint"),
    [("digts", "did you mean digits?"), ("", "clipart, digits"), ("zzz", "clipart, digits")],
)
def test_unknown(spec: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"no such dataset: '{spec}'") as caught:
        open_target(spec, Selection(), FileHashes())
    assert hint in caught.value.hint


def loaded_after(code: str) -> set[str]:
    """The top-level modules that running the code imports."""
    code += "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_is_cheap() -> None:
    loaded = loaded_after("from featrank.targets import TARGETS; TARGETS.names()")
    assert loaded.isdisjoint({"torch", "sklearn", "scipy", "PIL", "pyarrow"})


@pytest.mark.parametrize("name", ["clipart", "digits"])
def test_opening_an_embedded_target_is_cheap(name: str) -> None:
    loaded = loaded_after(
        "from featrank.targets import open_target; "
        "from featrank.records import Selection; "
        "from featrank.file_hashes import FileHashes; "
        f"t = open_target({name!r}, Selection(), FileHashes()); t.read(t.samples[0])"
    )
    assert loaded.isdisjoint({"torch", "torchvision", "sklearn", "scipy", "pandas"})
