import json
from pathlib import Path

import pytest

from featrank.errors import IncompleteError, InputError
from featrank.render.files import check_outputs, write_outputs


def test_json_is_written_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    check_outputs([path])
    write_outputs([path], {"value": 0.1 + 0.2, "name": "ä"})
    assert json.loads(path.read_text()) == {"value": 0.1 + 0.2, "name": "ä"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r.xls", "unknown format"),
        ("none/r.json", "no such folder"),
        ("folder.json", "is a folder"),
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


def test_a_folder_that_vanished_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IncompleteError, match="cannot write"):
        write_outputs([tmp_path / "file" / "r.json"], {})
