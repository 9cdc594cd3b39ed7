"""Tables of files and labels, and every way one can mislead."""

from __future__ import annotations

import csv
import io
import json
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
    with pytest.raises(InputError, match="is not in"):
        opened(table, HEAD + "files/1/0001.png,a\n", root=table.parent / "files" / "2")
    inner = opened(table, HEAD + "0002.png,a\n", root=table.parent / "files" / "2")
    assert [s.path for s in inner.samples] == ["0002.png"]
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


PICTURES = 12


@pytest.fixture
def listed(tmp_path: Path) -> tuple[Path, list[tuple[str, str]]]:
    """A folder with images, and the path and class of each."""
    folder = tmp_path / "set"
    rows = []
    for i, picture in enumerate(digit_pictures(PICTURES)):
        path = folder / "imagés" / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture.data)
        rows.append((path.relative_to(folder).as_posix(), "été" if i % 2 else "hiver, long"))
    return folder, rows


def spellings(rows: list[tuple[str, str]]) -> dict[str, bytes]:
    """One table in many forms, by the name of its file."""

    def table(separator: str, heading: str = "path,label", end: str = "\n") -> str:
        stream = io.StringIO(newline="")
        writer = csv.writer(stream, delimiter=separator, lineterminator=end)
        writer.writerow(heading.split(","))
        writer.writerows(rows)
        return stream.getvalue()

    plain = table(",")
    objects = [json.dumps({"file_name": path, "label": label}) for path, label in rows]
    quoted = [f'"{path}","{label}"' for path, label in rows]
    headless = "\n".join(quoted)
    return {
        "plain.csv": plain.encode(),
        "mark.csv": plain.encode("utf-8-sig"),
        "windows.csv": table(",", end="\r\n").encode(),
        "semicolon.csv": table(";").encode(),
        "pipe.csv": table("|").encode(),
        "tabs.csv": table("\t").encode(),
        "tabs.tsv": table("\t").encode(),
        "commas.tsv": plain.encode(),
        "sep.csv": b"sep=;\r\n" + table(";").encode(),
        "marked-sep.csv": b"\xef\xbb\xbfsep=,\r\n" + plain.encode(),
        "utf16.csv": plain.encode("utf-16"),
        "utf16-be.tsv": b"\xfe\xff" + table("\t").encode("utf-16-be"),
        "utf16-unmarked.csv": plain.encode("utf-16-le"),
        "utf32.csv": plain.encode("utf-32"),
        "latin.csv": plain.encode("cp1252"),
        "greek-free.csv": table(";").encode("cp1252"),
        "upper.csv": table(",", "PATH,Label").encode(),
        "blanks.csv": table(",", " path , label ").encode(),
        "other-names.csv": table(",", "file_name,class_name").encode(),
        "backslashes.csv": plain.replace("/", "\\").encode(),
        "spaces.csv": "\n".join(["path,label", *(f' {p} ,"{c}"' for p, c in rows)]).encode(),
        "headless.csv": headless.encode(),
        "headless.tsv": "\n".join(f"{p}\t{c}" for p, c in rows).encode(),
        "turned.csv": "\n".join(f'"{c}","{p}"' for p, c in rows).encode(),
        "lines.jsonl": "\n".join(objects).encode(),
        "tool.csv": plain.replace("imagés", "/data/local-files/?d=imagés").encode(),
        "empty-lines.csv": plain.replace("\n", "\n\n").encode(),
        "trailing.csv": table(",", "path,label,").encode(),
    }


@pytest.mark.parametrize("name", list(spellings([])))
def test_one_table_in_many_spellings(listed: tuple[Path, list[tuple[str, str]]], name: str) -> None:
    folder, rows = listed
    (folder / "plain.csv").write_bytes(spellings(rows)["plain.csv"])
    (folder / name).write_bytes(spellings(rows)[name])
    expected, found = opened(folder / "plain.csv"), opened(folder / name)
    assert len(expected.samples) == PICTURES
    assert found.samples == expected.samples
    assert found.skipped == ()
    assert found.fingerprint == expected.fingerprint


def test_lists_of_path_and_label(listed: tuple[Path, list[tuple[str, str]]]) -> None:
    folder, rows = listed
    text = "\n".join(f"{path} {'b' if i % 2 else 'a'}" for i, (path, _) in enumerate(rows))
    target = opened(folder / "list.txt", text)
    assert target.class_counts == {"a": PICTURES // 2, "b": PICTURES // 2}
    assert any("has no heading" in warning for warning in target.warnings)


def test_an_import_list_with_splits(table: Path) -> None:
    text = "TRAIN,files/1/0001.png,a\nTRAIN,files/2/0002.png,b\nTEST,files/3/0003.png,a\n"
    target = opened(table, text)
    assert (target.split, target.splits, len(target.samples)) == ("TRAIN", ("TEST", "TRAIN"), 2)


def test_ids_and_a_folder_of_images(table: Path) -> None:
    """As competitions publish them."""
    text = "id_code,diagnosis\n0001,mild\n0002,severe\n"
    inner = table.parent / "train_images"
    inner.mkdir()
    for name in ("1/0001.png", "2/0002.png"):
        (table.parent / "files" / name).rename(inner / Path(name).name)
    with pytest.raises(InputError, match="it has: id_code, diagnosis") as caught:
        opened(table, text)
    assert "--path-column" in caught.value.hint
    asked = {"path_column": "id_code", "label_column": "diagnosis", "root": inner}
    with pytest.raises(InputError, match="none of the 2 files") as caught:
        opened(table, text, **asked)
    assert "--suffix .png" in caught.value.hint
    assert len(opened(table, text, **asked, suffix="png").samples) == 2
    target = opened(table, text, **asked, suffix=".png")
    assert [s.path for s in target.samples] == ["0001.png", "0002.png"]
    assert target.class_names == ("mild", "severe")
    with pytest.raises(InputError, match="no column 'diagnose'") as caught:
        opened(table, text, path_column="id_code", label_column="diagnose")
    assert "diagnosis" in caught.value.hint


def test_a_column_a_class(table: Path) -> None:
    text = (
        "image,MEL,NV,BCC\nfiles/1/0001.png,1.0,0.0,0.0\nfiles/2/0002.png,0,1,0\n"
        "files/3/0003.png,0,0,0\nfiles/4/0004.png,1,0,1\n"
    )
    asked = {"label_columns": ("MEL", "NV", "BCC")}
    with pytest.raises(InputError, match=r"1 image has several labels .*MEL, BCC"):
        opened(table, text, **asked)
    target = opened(table, text, **asked, multi_label="skip")
    assert {s.path: s.class_name for s in target.samples} == {
        "files/1/0001.png": "MEL", "files/2/0002.png": "NV",
    }  # fmt: skip
    assert skipped(target)["files/3/0003.png"] == "no label"
    assert len(opened(table, text, **asked, multi_label="first").samples) == 3


@pytest.mark.parametrize(
    ("column", "values", "splits"),
    [
        ("is_valid", ("False", "True"), {"train": 1, "val": 1}),
        ("is_training_image", ("1", "0"), {"train": 1, "test": 1}),
        ("is_test", ("no", "yes"), {"train": 1, "test": 1}),
        ("fold", ("0", "1"), {"0": 1, "1": 1}),
        ("phase", ("train", "val"), {"train": 1, "val": 1}),
    ],
)
def test_columns_that_look_like_splits(
    table: Path, column: str, values: tuple[str, str], splits: dict[str, int]
) -> None:
    text = f"path,label,{column}\nfiles/1/0001.png,a,{values[0]}\nfiles/2/0002.png,b,{values[1]}\n"
    unused = opened(table, text)
    assert len(unused.samples) == 2
    assert f"--split-column {column}" in unused.warnings[0]
    for split, count in splits.items():
        used = opened(table, text, split_column=column, split=split)
        assert (len(used.samples), set(used.splits)) == (count, set(splits))
    with pytest.raises(InputError, match="there is"):
        opened(table, text, split_column=column, split="tain")


def test_addresses_are_no_files(table: Path) -> None:
    text = f"{HEAD}s3://bucket/a.png,a\nhttps://example.org/b.png,b\n"
    with pytest.raises(InputError, match=r"lists addresses, such as 's3://bucket") as caught:
        opened(table, text)
    assert "--root" in caught.value.hint
    mixed = opened(table, f"{text}files/1/0001.png,a\n")
    assert skipped(mixed)["s3://bucket/a.png"] == "an address, no file"


def test_a_path_that_means_two_files_is_refused(table: Path) -> None:
    other = table.parent / "files"
    (other / "files" / "1").mkdir(parents=True)
    (other / "files" / "1" / "0001.png").write_bytes(b"another")
    with pytest.raises(InputError, match="is both"):
        opened(table, f"{HEAD}files/1/0001.png,a\n", root=other)
    # Without a root only one of them is meant.
    assert len(opened(table, f"{HEAD}files/1/0001.png,a\n").samples) == 1


def test_a_heading_that_is_none(table: Path) -> None:
    text = "files/1/0001.png,a,x\nfiles/2/0002.png,b,y\n"
    with pytest.raises(InputError, match=r"no heading \(files/1/0001\.png, a, x\)") as caught:
        opened(table, text)
    assert "--path-column 1 --label-column 2" in caught.value.hint
    assert opened(table, text, path_column="1", label_column="2").class_names == ("a", "b")


def test_a_list_in_a_folder_of_images(table: Path) -> None:
    for name in ("metadata.csv", "metadata.jsonl"):
        file = table.parent / "files" / name
        rows = [("1/0001.png", "a"), ("2/0002.png", "b")]
        lines = [json.dumps({"file_name": p, "label": c}) for p, c in rows]
        if name.endswith("csv"):
            lines = ["file_name,label", *(",".join(row) for row in rows)]
        file.write_text("\n".join(lines))
        assert not TARGET.accepts(str(file.parent))  # class folders stand beside it
        flat = table.parent / f"flat-{file.suffix[1:]}"
        flat.mkdir()
        for path, _ in rows:
            (flat / Path(path).name).write_bytes((file.parent / path).read_bytes())
        (flat / name).write_text(file.read_text().replace("1/", "").replace("2/", ""))
        assert TARGET.accepts(str(flat))
        assert opened(flat).class_names == ("a", "b")
        file.unlink()
