from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from featrank.targets._arrow_tables import open_table

TABLE = pa.table({"n": list(range(10)), "text": [str(i) for i in range(10)]})


def as_parquet(file: Path) -> Path:
    pq.write_table(TABLE, file)
    return file


def as_stream(file: Path) -> Path:
    with pa.ipc.new_stream(file.with_suffix(".arrow"), TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=7)
    return file.with_suffix(".arrow")


def as_file(file: Path) -> Path:
    with pa.ipc.new_file(file.with_suffix(".arrow"), TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=7)
    return file.with_suffix(".arrow")


@pytest.mark.parametrize("write", [as_parquet, as_stream, as_file])
def test_every_format_gives_the_same_rows(tmp_path: Path, write) -> None:
    with open_table(write(tmp_path / "a.parquet")) as table:
        assert table.schema.names == ["n", "text"]
        batches = list(table.batches(["text"], 4))
    assert all(batch.num_rows <= 4 for batch in batches)
    assert [text for batch in batches for text in batch.column(0).to_pylist()] == [
        str(i) for i in range(10)
    ]


@pytest.mark.parametrize("content", [b"", b"ARROW1\0\0", b"no table at all" * 9])
@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_what_is_none(tmp_path: Path, content: bytes, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    file.write_bytes(content)
    with pytest.raises((pa.ArrowException, OSError)), open_table(file) as table:
        list(table.batches(["n"]))


def test_offsets_that_lie_are_not_followed(tmp_path: Path) -> None:
    data = bytearray(as_stream(tmp_path / "a").read_bytes())
    offsets = b"".join(i.to_bytes(4, "little") for i in range(8))
    at = data.index(offsets)
    data[at + 4 : at + 8] = (1 << 30).to_bytes(4, "little")
    (tmp_path / "b.arrow").write_bytes(data)
    with pytest.raises(pa.ArrowInvalid), open_table(tmp_path / "b.arrow") as table:
        list(table.batches(["text"]))
