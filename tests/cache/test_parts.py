import dataclasses
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from featrank.cache.part_names import list_parts
from featrank.cache.parts import (
    Rows,
    class_counts,
    open_part,
    read_blocks,
    read_features,
    read_groups,
    write_part,
)
from featrank.records import Skipped
from featrank.storage.file_hashes import hash_file

FACTS = {"key": {"target": "t"}, "model": "m", "class_names": ["cat", "dog", "eel"]}


def rows(start: int = 0, n: int = 5, width: int = 3) -> Rows:
    features = np.random.default_rng(start).normal(size=(n, width)).astype(np.float32)
    return Rows(
        start, start + n + 1, [f"d{start + i}" for i in range(n)],
        [f"{i}.png" for i in range(n)], [0, 1, 1, 1, 0][:n],
        features, [Skipped("bad.png", "torn")],
    )  # fmt: skip


def test_another_tool_reads_columns_and_metadata(tmp_path: Path) -> None:
    written = write_part(tmp_path, rows(), FACTS)
    table = pq.read_table(tmp_path / written.part.file)
    assert table.column_names == ["id", "path", "label", "class_name", "features"]
    assert table.schema.field("features").type == pa.list_(
        pa.field("element", pa.float32(), nullable=False), 3
    )
    assert table.column("class_name").to_pylist() == ["cat", "dog", "dog", "dog", "cat"]
    np.testing.assert_array_equal(np.stack(table.column("features").to_numpy()), rows().features)
    metadata = json.loads(table.schema.metadata[b"featrank"])
    assert metadata["key"] == {"target": "t"}
    assert (metadata["start"], metadata["stop"]) == (0, 6)


def test_groups_are_a_column_where_there_are_any(tmp_path: Path) -> None:
    parts = []
    for start, groups in ((0, ["p", "", "p", "q", ""]), (6, ["q", "p", "", "", "z"])):
        content = dataclasses.replace(rows(start), groups=groups)
        parts.append(write_part(tmp_path, content, FACTS).part)
        table = pq.read_table(tmp_path / parts[-1].file)
        assert table.column("group").to_pylist() == groups
    numbers = read_groups(tmp_path, parts)
    assert numbers is not None
    p, q, z = numbers[0], numbers[3], numbers[9]
    assert numbers[[2, 6]].tolist() == [p, p]
    assert numbers[5] == q
    # Those without a group stand alone.
    assert len({p, q, z, *numbers[[1, 4, 7, 8]].tolist()}) == 7
    features, _ = read_features(tmp_path, parts, 3)
    np.testing.assert_array_equal(features[5:], rows(6).features)
    assert read_groups(tmp_path, [write_part(tmp_path, rows(12), FACTS).part]) is None


def test_a_part_is_opened_as_written(tmp_path: Path) -> None:
    written = write_part(tmp_path, rows(), FACTS)
    (path,) = list_parts(tmp_path)
    assert open_part(path, hash_file(path)) == written


def test_features_come_back_to_the_last_bit(tmp_path: Path) -> None:
    parts = [write_part(tmp_path, rows(start), FACTS).part for start in (0, 6, 12)]
    features, labels = read_features(tmp_path, parts, 3)
    expected = np.concatenate([rows(start).features for start in (0, 6, 12)])
    np.testing.assert_array_equal(features, expected)
    assert features.dtype == np.float32
    assert labels.tolist() == [0, 1, 1, 1, 0] * 3
    assert class_counts(tmp_path, parts, FACTS["class_names"]) == {"cat": 6, "dog": 9}


def test_features_stand_as_one_block_even_when_there_are_many(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(5000, 700)).astype(np.float32)
    n = len(features)
    content = Rows(0, n, ["d"] * n, ["p"] * n, [0] * n, features, [])
    written = write_part(tmp_path, content, FACTS).part
    data = (tmp_path / written.file).read_bytes()
    assert data[written.values_at :][: features.nbytes] == features.tobytes()
    np.testing.assert_array_equal(read_features(tmp_path, [written], 700)[0], features)


def test_a_part_without_rows_is_a_part(tmp_path: Path) -> None:
    empty = write_part(tmp_path, rows(0, 0), FACTS).part
    full = write_part(tmp_path, rows(6), FACTS).part
    assert read_features(tmp_path, [empty, full], 3)[0].shape == (5, 3)


def test_a_flipped_byte_is_seen(tmp_path: Path) -> None:
    path = tmp_path / write_part(tmp_path, rows(), FACTS).part.file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="checksum differs"):
        open_part(path, hash_file(path))


def test_a_stranger_is_not_a_part(tmp_path: Path) -> None:
    stranger = tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [1]}), stranger)
    sha256 = hash_file(stranger)
    path = stranger.rename(tmp_path / f"part-000000000.{sha256[:16]}.parquet")
    with pytest.raises(ValueError, match="not a part of this cache"):
        open_part(path, sha256)


def test_a_part_of_another_width_is_refused(tmp_path: Path) -> None:
    part = write_part(tmp_path, rows(), FACTS).part
    with pytest.raises(ValueError, match="rows of 3"):
        read_features(tmp_path, [part], 4)


def test_no_folder_means_no_parts(tmp_path: Path) -> None:
    assert list_parts(tmp_path / "none") == []


def test_blocks_are_the_features_in_order(tmp_path: Path) -> None:
    parts = [write_part(tmp_path, rows(start), FACTS).part for start in (0, 6)]
    whole, labels = read_features(tmp_path, parts, 3)
    blocks = list(read_blocks(tmp_path, parts, 3))
    assert [len(block) for block, _ in blocks] == [5, 5]
    np.testing.assert_array_equal(np.concatenate([block for block, _ in blocks]), whole)
    np.testing.assert_array_equal(np.concatenate([y for _, y in blocks]), labels)


def test_copies_are_groups_in_any_cache(tmp_path: Path) -> None:
    """Also in one that was written before copies were joined: the contents were always kept."""
    parts = []
    for start, ids, groups in ((0, "abcad", None), (6, "efgba", None)):
        content = dataclasses.replace(rows(start), digests=list(ids), groups=groups)
        parts.append(write_part(tmp_path, content, FACTS).part)
    numbers = read_groups(tmp_path, parts)
    assert numbers is not None
    first = [numbers.tolist().index(number) for number in numbers]
    assert first == [0, 1, 2, 0, 4, 5, 6, 7, 1, 0]
