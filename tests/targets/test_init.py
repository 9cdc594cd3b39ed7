"""``--dataset``: which kind a word means, and what asking costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from featrank.config import Selection
from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import TARGETS, open_target


def test_kinds() -> None:
    assert TARGETS.names() == [
        "clipart", "digits", "idx", "image_folder", "manifest", "parquet", "tar_shards",
        "torchvision", "zip_archive",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("clipart", "clipart"),
        ("digits", "digits"),
        (".", "image_folder"),
        ("a/b", "image_folder"),
        ("a/b.csv", "manifest"),
        ("b.tsv", "manifest"),
        ("data/train-*.parquet", "parquet"),
        ("shards/{000..009}.tar", "tar_shards"),
        ("shards/{000..009}.tar.gz", "tar_shards"),
        ("a.TGZ", "tar_shards"),
        ("data/b.zip", "zip_archive"),
        ("torchvision:CIFAR10?root=/data", "torchvision"),
    ],
)
def test_one_kind_accepts(spec: str, kind: str) -> None:
    accepting = [found.name for found in TARGETS if found.accepts(spec)]
    assert [name for name in accepting if name != "image_folder" or kind == name] == [kind]


def test_another_package_adds_a_kind(tmp_path: Path) -> None:
    """An installed distribution with the entry point, in a process of its own."""
    (tmp_path / "twice.py").write_text(
        "import dataclasses\n"
        "from featrank.targets.clipart import TARGET as CLIPART\n"
        "class Twice:\n"
        "    name = 'twice'\n"
        "    def accepts(self, spec): return spec == 'twice:clipart'\n"
        "    def open(self, spec, access):\n"
        "        return dataclasses.replace(CLIPART.open('clipart', access), name=spec)\n"
        "TARGET = Twice()\n"
    )
    info = tmp_path / "twice-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: twice\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[featrank.targets]\ntwice = twice:TARGET\n")
    code = (
        "from featrank.targets import open_target; from featrank.config import Selection; "
        "from featrank.storage.file_hashes import FileHashes; "
        "t = open_target('twice:clipart', Selection(), FileHashes()); print(t.name, len(t.samples))"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.stdout == "twice:clipart 240\n", done.stderr


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
        "from featrank.config import Selection; "
        "from featrank.storage.file_hashes import FileHashes; "
        f"t = open_target({name!r}, Selection(), FileHashes()); t.read(t.samples[0])"
    )
    assert loaded.isdisjoint({"torch", "torchvision", "sklearn", "scipy", "pandas"})
