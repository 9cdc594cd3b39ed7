import json
from pathlib import Path

import pytest
from result_documents import small_document

from featrank.errors import IncompleteError, InputError
from featrank.render import Format, check_outputs, printed_format, write_outputs
from featrank.render._files import FORMATS
from featrank.render._format import admit


def test_the_suffix_picks_the_format_and_what_was_there_is_replaced(tmp_path: Path) -> None:
    paths = [tmp_path / f"r.{name}" for name in FORMATS.names()]
    paths.append(tmp_path / "again.JSON")
    (tmp_path / "r.csv").write_text("old")
    check_outputs(paths)
    document = small_document()
    write_outputs(paths, document)
    read = json.loads((tmp_path / "again.JSON").read_text())
    assert read.pop("checksum")
    assert read == document
    for form in FORMATS:
        assert (tmp_path / f"r{form.suffix}").read_bytes() == form.render(document)


def test_all_that_was_promised_is_there() -> None:
    assert set(FORMATS.names()) == {"json", "csv", "parquet", "md", "html"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r.xls", "unknown format"),
        ("none/r.json", "no such folder"),
        ("folder.json", "is a folder"),
        ("/proc/r.json", "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_refused_first(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(InputError, match=said) as caught:
        check_outputs([tmp_path / name])
    assert caught.value.hint


def test_checking_leaves_no_file(tmp_path: Path) -> None:
    check_outputs([tmp_path / "r.json"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_vanished_is_explained_and_the_others_are_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IncompleteError, match="cannot write"):
        write_outputs([tmp_path / "file" / "r.json", tmp_path / "r.json"], small_document())
    assert (tmp_path / "r.json").exists()


def test_a_format_that_fails_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render(document: object) -> bytes:
        raise ValueError("bent")

    broken = admit(Format("txt", render), "texts 1.0")
    monkeypatch.setattr("featrank.render._files.FORMATS", [broken, *FORMATS])
    with pytest.raises(IncompleteError, match=r"r.txt: the format 'txt' of texts 1\.0 failed"):
        write_outputs([tmp_path / "r.txt", tmp_path / "r.json"], small_document())
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


@pytest.mark.parametrize(("name", "said"), [("parquet", "files only"), ("yaml", "unknown format")])
def test_what_cannot_be_printed(name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        printed_format(name)
