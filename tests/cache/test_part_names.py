from __future__ import annotations

from pathlib import Path

from featrank.cache.part_names import list_parts


def test_parts_in_row_order_and_nothing_else(tmp_path: Path) -> None:
    names = ["part-000000016.0123456789abcdef.parquet", "part-000000000.fedcba9876543210.parquet"]
    for name in (*names, "_manifest.json", "part-0.parquet", f".{names[0]}.tmp"):
        (tmp_path / name).touch()
    assert [path.name for path in list_parts(tmp_path)] == sorted(names)


def test_what_is_no_folder_has_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert list_parts(tmp_path / "file") == []
    assert list_parts(tmp_path / "nothing") == []
