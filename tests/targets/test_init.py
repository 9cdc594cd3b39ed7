"""``--dataset``: which kind a word means, and what asking costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from image_sets import digit_pictures, write_folder

from featrank.config import Listing, Selection
from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import TARGETS, open_target


def test_kinds() -> None:
    assert TARGETS.names() == [
        "clipart", "coco", "digits", "fiftyone", "idx", "image_folder", "manifest", "npz_arrays",
        "parquet", "roboflow", "saved_dataset", "tar_shards", "torchvision", "zip_archive",
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
        ("annotations/instances.json", "coco"),
        ("train/_classes.csv", "roboflow"),
        ("bloodmnist.npz", "npz_arrays"),
        ("data/b.arrow", "saved_dataset"),
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


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("train.h5", "class folders"),
        ("train_32x32.mat", "class folders"),
        ("train.tfrecord", "class folders"),
        ("labels.xlsx", "as .csv"),
        ("export.ndjson", ".csv of paths"),
        ("data.yaml", "that it tells of"),
        ("a.7z", "unpack it"),
        ("cat.jpg", "one image"),
        ("digits.bin", "convert it"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "./"])
def test_a_file_of_another_kind_is_there_and_told_so(
    name: str, way: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    with pytest.raises(InputError, match=r"is there, but no file of a kind that is read") as caught:
        open_target(prefix + name, Selection(), FileHashes())
    assert all(word in caught.value.message for word in ("class folders", ".csv", ".parquet"))
    assert way in caught.value.hint


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.npz", "a.arrow", "a.json", "a.h5", "a.csv"])
def test_a_pointer_instead_of_a_file_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"version https://git-lfs.github.com/spec/v1\nsize 4\n")
    with pytest.raises(InputError, match="git lfs pull fetches it"):
        open_target(str(tmp_path / name), Selection(), FileHashes())


def test_a_column_that_a_kind_does_not_have_is_an_error(tmp_path: Path) -> None:
    from image_sets import digit_pictures, write_folder

    for spec in ("digits", str(write_folder(tmp_path, digit_pictures(20)))):
        assert open_target(spec, Selection(), FileHashes()).samples
        with pytest.raises(InputError, match=r"--label-column: .* neither columns nor fields"):
            open_target(spec, Selection(), FileHashes(), Listing(label_column="x"))


def test_every_kind_of_a_file_says_what_it_reads() -> None:
    silent = {kind.name for kind in TARGETS if not getattr(kind, "reads", "")}
    assert silent == {"clipart", "digits", "torchvision"}


def test_a_folder_of_two_kinds_is_refused(tmp_path: Path) -> None:
    from image_sets import digit_pictures, write_idx

    write_idx(tmp_path, digit_pictures(4), zipped=False)
    (tmp_path / "state.json").touch()
    (tmp_path / "dataset_info.json").touch()
    with pytest.raises(InputError, match=r"2 ways: as .*IDX files") as caught:
        open_target(str(tmp_path), Selection(), FileHashes())
    assert "name the file" in caught.value.hint


@pytest.mark.parametrize("kind", ["idx", "fiftyone", "roboflow"])
def test_a_list_of_labels_beside_class_folders_is_refused_until_it_is_said(
    kind: str, tmp_path: Path
) -> None:
    import image_sets

    pictures = image_sets.digit_pictures(20)
    if kind == "idx":
        image_sets.write_idx(tmp_path, pictures, zipped=False)
    else:
        getattr(image_sets, f"write_{kind}")(tmp_path, pictures)
    alone = open_target(str(tmp_path), Selection(), FileHashes())
    assert len(alone.samples) == 20
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(pictures[name == "dog"].data)
    with pytest.raises(InputError, match=r"2 ways: .* its folders cat, ") as caught:
        open_target(str(tmp_path), Selection(), FileHashes())
    assert "--layout classes" in caught.value.hint
    classes = open_target(str(tmp_path), Selection(), FileHashes(), Listing(layout="classes"))
    assert {"cat", "dog"} <= set(classes.class_names)


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


@pytest.mark.parametrize(
    ("flag", "asked"),
    [
        ("--path-column", {"path_column": "a"}), ("--split-column", {"split_column": "a"}),
        ("--group-column", {"group_column": "a"}), ("--label-columns", {"label_columns": ("a",)}),
        ("--suffix", {"suffix": ".png"}),
    ],
)  # fmt: skip
def test_columns_of_what_is_no_table_are_refused(
    tmp_path: Path, flag: str, asked: dict[str, Any]
) -> None:
    folder = write_folder(tmp_path / "set", digit_pictures(20))
    for spec in (str(folder), "digits"):
        with pytest.raises(InputError, match=f"{flag}: .* is no table"):
            open_target(spec, Selection(), FileHashes(), Listing(**asked))
