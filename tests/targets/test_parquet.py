"""Parquet files as hubs publish them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_sets import digit_pictures, write_parquet_of_bytes, write_parquet_of_paths

from featrank.errors import IncompleteError, InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.parquet import TARGET

PICTURES = digit_pictures(30)


def opened(place: Path, **access: object) -> Target:
    return TARGET.open(str(place), Access(FileHashes(), **access))


def write(file: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), file)
    return file


def encoded(n: int) -> list[bytes]:
    return [picture.data for picture in digit_pictures(n)]


def test_class_names_come_from_the_metadata(tmp_path: Path) -> None:
    target = opened(write_parquet_of_bytes(tmp_path, PICTURES))
    assert dict(target.class_counts) == dict.fromkeys(map(str, range(10)), 3)
    assert {s.path.rpartition("/")[0] for s in target.samples} == {
        f"train-0000{i}-of-00002.parquet" for i in (0, 1)
    }


def test_images_are_copied_out_only_when_they_are_read(tmp_path: Path) -> None:
    target = opened(write_parquet_of_bytes(tmp_path, PICTURES))
    read = pickle.loads(pickle.dumps(target.read))
    with pytest.raises(IncompleteError, match="No such file"):
        read(target.samples[0])
    target.prepare(target.samples[:3])
    assert all(read(sample).size == (8, 8) for sample in target.samples[:3])
    with pytest.raises(IncompleteError, match="changed"):
        read(target.samples[-1])
    target.prepare(target.samples)
    assert all(read(sample).size == (8, 8) for sample in target.samples)


def test_plain_bytes_text_labels_split_and_group(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.parquet",
        picture=[p.data for p in PICTURES],
        label=[f"digit {p.label}" for p in PICTURES],
        split=["train", "test"] * 15,
        group=[i // 10 for i in range(30)],
    )
    target = opened(file)
    assert (target.split, target.splits, len(target.samples)) == ("train", ("test", "train"), 15)
    assert target.samples[0].class_name == "digit 0"
    groups = {sample.path: sample.group for sample in target.samples}
    assert sorted(groups.values()) == ["0"] * 5 + ["1"] * 5 + ["2"] * 5
    assert len(opened(file, split="test").samples) == 15


def test_splits_by_file_name(tmp_path: Path) -> None:
    write_parquet_of_bytes(tmp_path, PICTURES[:20])
    for file in tmp_path.glob("train-*"):
        file.with_name(file.name.replace("train", "test")).write_bytes(file.read_bytes())
    assert len(opened(tmp_path / "*.parquet").samples) == 20
    assert opened(tmp_path / "*.parquet", split="test").split == "test"
    with pytest.raises(InputError, match="no split 'val'"):
        opened(tmp_path / "*.parquet", split="val")


def test_rows_without_an_image_or_a_label(tmp_path: Path) -> None:
    file = write(
        tmp_path / "a.parquet",
        image=[None, b"", PICTURES[0].data, PICTURES[1].data],
        label=["a", "a", None, "b"],
    )
    target = opened(file)
    assert [item.reason for item in target.skipped] == ["no image", "no image", "no label"]
    assert [sample.path for sample in target.samples] == ["a.parquet/4"]


def test_nan_is_no_label_and_a_number_one_class(tmp_path: Path) -> None:
    images = encoded(6)
    write(tmp_path / "train-0.parquet", image=images[:4], label=[0.0, 1.0, float("nan"), 0.5])
    write(tmp_path / "train-1.parquet", image=images[4:], label=[0, 1])
    target = opened(tmp_path / "train-*.parquet")
    assert target.class_counts == {"0": 2, "0.5": 1, "1": 2}
    assert [item.reason for item in target.skipped] == ["no label"]


def test_minus_one_is_no_label_where_numbers_stand_for_names(tmp_path: Path) -> None:
    table = pa.table({"image": encoded(3), "label": [0, -1, 1]})
    bare = tmp_path / "bare.parquet"
    pq.write_table(table, bare)
    assert opened(bare).class_names == ("-1", "0", "1")
    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    named = tmp_path / "named.parquet"
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(features)}), named)
    assert opened(named).class_counts == {"cat": 1, "dog": 1}
    assert [item.reason for item in opened(named).skipped] == ["no label"]


def test_a_pointer_instead_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    file.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n")
    with pytest.raises(InputError, match="git lfs pull fetches it"):
        opened(file)


def test_a_split_that_nothing_tells_of_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "data.parquet", image=encoded(2), label=["a", "b"])
    with pytest.raises(InputError, match="has no splits"):
        opened(file, split="test")


def test_paths_obey_the_root(tmp_path: Path) -> None:
    file = write_parquet_of_paths(tmp_path / "data", PICTURES)
    assert len(opened(file).samples) == 30
    hostile = write(tmp_path / "data" / "b.parquet", path=["../../etc/passwd"], label=["x"])
    with pytest.raises(InputError, match="leads out of"):
        opened(hostile)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"image": [b"x"]}, "no column 'label'"),
        ({"label": ["x"], "n": [1]}, "no column 'path'"),
    ],
)
def test_missing_columns(tmp_path: Path, columns: dict[str, list[object]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        opened(write(tmp_path / "a.parquet", **columns))


def test_damaged_files(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", image=[p.data for p in PICTURES], label=["a", "b"] * 15)
    for content in (b"", b"PAR1 no", file.read_bytes()[:-20]):
        (tmp_path / "b.parquet").write_bytes(content)
        with pytest.raises(InputError, match="cannot read"):
            opened(tmp_path / "b.parquet")
    with pytest.raises(InputError, match="no such file"):
        opened(tmp_path / "c*.parquet")


def test_columns_by_their_flags(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    data = [picture.data for picture in digit_pictures(4)]
    columns = {
        "photo": data, "breed": pa.array(["x", "y", "x", "y"]).dictionary_encode(),
        "is_valid": [False, False, True, True], "fold": [0, 1, 0, 1], "owner": [1, 1, 2, 2],
    }  # fmt: skip
    pq.write_table(pa.table(columns), file)

    def opened(**asked: object) -> Target:
        return TARGET.open(str(file), Access(FileHashes(), **asked))

    with pytest.raises(InputError, match=r"it has: photo \(binary\), breed \(dictionary") as caught:
        opened()
    assert "--label-column" in caught.value.hint
    whole = opened(label_column="breed")
    assert whole.class_counts == {"x": 2, "y": 2}
    assert len(whole.warnings) == 2
    halves = {
        split: opened(label_column="breed", split_column="is_valid", split=split)
        for split in ("train", "val")
    }
    assert [len(half.samples) for half in halves.values()] == [2, 2]
    assert halves["val"].splits == ("train", "val")
    fold = opened(label_column="breed", split_column="fold", split="1", group_column="owner")
    assert fold.groups is not None
    assert set(fold.groups) == {"1", "2"}
    with pytest.raises(InputError, match="there is 0, 1"):
        opened(label_column="breed", split_column="fold")


def test_lists_of_labels(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    data = [picture.data for picture in digit_pictures(3)]
    pq.write_table(pa.table({"image": data, "label": [["x"], ["y", "x"], []]}), file)

    def opened(**asked: object) -> Target:
        return TARGET.open(str(file), Access(FileHashes(), **asked))

    with pytest.raises(InputError, match="1 image has several labels"):
        opened()
    assert opened(multi_label="first").class_counts == {"x": 1, "y": 1}
    skipping = opened(multi_label="skip")
    assert skipping.class_counts == {"x": 1}
    assert sorted(item.reason for item in skipping.skipped) == ["no label", "several labels"]


def test_a_folder_as_hubs_publish_it(tmp_path: Path) -> None:
    data = [picture.data for picture in digit_pictures(4)]
    for split, rows in (("train", slice(0, 3)), ("test", slice(3, 4))):
        table = pa.table({"image": data[rows], "label": ["a", "b", "a", "b"][rows]})
        (tmp_path / "data").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    for spec in (tmp_path, tmp_path / "data"):
        assert TARGET.accepts(str(spec))
        target = TARGET.open(str(spec), Access(FileHashes()))
        assert (target.split, len(target.samples)) == ("train", 3)
