"""Tables of files and labels, and every way one can mislead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from image_sets import digit_pictures, write_csv, write_folder

from featrank.errors import IncompleteError, InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.manifest import TARGET

HEAD = "path,label\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "data", digit_pictures(20))


def opened(table: Path, text: str | bytes | None = None, **access: object) -> Target:
    if isinstance(text, str):
        table.write_text(text)
    elif text is not None:
        table.write_bytes(text)
    return TARGET.open(str(table), Access(FileHashes(), **access))


def skipped(target: Target) -> dict[str, str]:
    return {item.path: item.reason for item in target.skipped}


def test_paths_start_at_the_table(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(table.parent)
    for name in (table, Path("list.csv")):
        target = opened(name)
        assert len(target.samples) == 20
        assert target.skipped == ()
        assert all(target.read(sample).size == (8, 8) for sample in target.samples)


def test_columns_by_other_names_and_a_tab(table: Path) -> None:
    text = "\ufeffClass\tnote\tFile_Name\n1\tx\tfiles/1/0001.png\n"
    tsv = table.with_suffix(".tsv")
    (sample,) = opened(tsv, text).samples
    assert (sample.class_name, sample.path) == ("1", "files/1/0001.png")


def test_split_and_group(table: Path) -> None:
    text = (
        "path,label,split,group\nfiles/1/0001.png,a,train,p1\nfiles/2/0002.png,b,train,p1\n"
        "files/3/0003.png,a,test,p2\nfiles/4/0004.png,b,,p2\n"
    )
    target = opened(table, text)
    assert (target.split, target.splits, len(target.samples)) == ("train", ("test", "train"), 2)
    assert skipped(target) == {"files/4/0004.png": "no split"}
    assert target.groups == ("p1", "p1")
    assert len(opened(table, text, split="test").samples) == 1
    with pytest.raises(InputError, match="no split 'val'"):
        opened(table, text, split="val")
    with pytest.raises(InputError, match="has no splits"):
        opened(table, HEAD + "files/1/0001.png,a\n", split="train")


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "/etc/passwd", "files/../../x.png", "..", ".", "/", "files/1/../../.."],
)
def test_a_path_out_of_the_root_refuses_the_table(table: Path, path: str) -> None:
    with pytest.raises(InputError, match=r"row 2 of .*leads out of") as caught:
        opened(table, f"{HEAD}files/1/0001.png,a\n{path},b\n")
    assert "--root" in caught.value.hint


def test_the_root_may_be_wider_or_narrower(table: Path) -> None:
    (table.parent / "tables").mkdir()
    inner = table.parent / "tables" / "a.csv"
    text = f"{HEAD}../files/1/0001.png,a\n{table.parent}/files/2/0002.png,b\n"
    with pytest.raises(InputError, match="leads out of"):
        opened(inner, text)
    target = opened(inner, text, root=table.parent)
    assert {s.path for s in target.samples} == {"files/1/0001.png", "files/2/0002.png"}
    with pytest.raises(InputError, match="leads out of"):
        opened(table, HEAD + "files/1/0001.png,a\n", root=table.parent / "files" / "2")
    with pytest.raises(InputError, match="no such folder"):
        opened(table, root=table.parent / "none")


def test_links_are_followed_inside_the_root_only(table: Path, tmp_path: Path) -> None:
    outside = write_folder(tmp_path / "outside", digit_pictures(2))
    files = table.parent / "files"
    (files / "in.png").symlink_to(files / "1" / "0001.png")
    (files / "out.png").symlink_to(outside / "0" / "0000.png")
    (files / "loop.png").symlink_to("loop.png")
    text = HEAD + "".join(f"files/{name}.png,a\n" for name in ("in", "out", "loop"))
    target = opened(table, text)
    assert [sample.path for sample in target.samples] == ["files/in.png"]
    assert skipped(target)["files/out.png"] == "link out of the root"
    assert "files/loop.png" in skipped(target)


def test_a_file_on_several_lines_is_one_image(table: Path) -> None:
    twice = "files/1/0001.png,a\nfiles/1/0001.png,a\n"
    assert len(opened(table, f"{HEAD}{twice}files/0/0000.png,b\n").samples) == 2
    differing = opened(table, f"{HEAD}{twice}files/1/0001.png,b\n")
    assert differing.class_counts == {"a": 1, "b": 1}
    assert "more than one class" in differing.all_warnings[0]


def test_rows_that_cannot_be_used(table: Path) -> None:
    (table.parent / "files" / "folder.png").mkdir()
    rows = ["files/none.png,a", ",a", "files/1/0001.png,", "files/1/0001.png", "files/folder.png,a"]
    assert skipped(opened(table, HEAD + "\n".join(rows))) == {
        "files/none.png": "no such file",
        "row 2": "no path",
        "files/1/0001.png": "no label",
        "files/folder.png": "not a regular file",
    }


@pytest.mark.parametrize(
    "name", ["new\nline.png", 'quo"te.png', "\x1b[31mred.png", "ä" * 125 + ".png", "a,b.png"]
)
def test_odd_names(table: Path, name: str) -> None:
    (table.parent / "files" / "1" / "0001.png").rename(table.parent / name)
    quoted = name.replace('"', '""')
    (sample,) = opened(table, f'{HEAD}"{quoted}",a\n').samples
    assert sample.path == name


def test_a_name_that_is_not_utf8(table: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    (table.parent / "files" / "1" / "0001.png").rename(table.parent / name)
    target = opened(table, HEAD.encode() + b"caf\xe9.png,caf\xe9\n")
    (sample,) = target.samples
    assert (sample.path, sample.class_name) == (r"caf\xe9.png", r"caf\xe9")
    assert target.read(sample).size == (8, 8)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column 'path'; it has: none"),
        ("pth,label\n", "no column 'path'; it has: pth, label"),
        ("path,lable\nx,y\n", "no column 'label'"),
        ('path,label\n"a,b\n', "no table"),
        ("path,label\na\0b,x\n", "zero byte|no table"),
    ],
)
def test_no_table(table: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        opened(table, text)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*: No such file"):
        opened(tmp_path / "none.csv")


def test_a_file_that_changed_is_not_read_as_another(table: Path) -> None:
    target = opened(table)
    sample = target.samples[0]
    (table.parent / sample.path).write_bytes(b"other")
    with pytest.raises(IncompleteError, match="changed"):
        target.read(sample)
