"""What save_to_disk of the datasets library leaves behind."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from image_sets import digit_pictures, write_saved_dataset

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Target
from featrank.targets.saved_dataset import TARGET

PICTURES = digit_pictures(40)


def opened(place: Path, **access: object) -> Target:
    return TARGET.open(str(place), Access(FileHashes(), **access))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return write_saved_dataset(tmp_path / "saved", PICTURES)


def test_classes_have_their_names(saved: Path) -> None:
    assert TARGET.accepts(str(saved))
    target = opened(saved)
    assert dict(target.class_counts) == Counter(picture.label for picture in PICTURES)
    target.prepare(target.samples)
    assert target.read(target.samples[0]).size == (8, 8)
    assert (target.split, target.all_warnings) == (None, ())


def test_the_split_that_it_is(saved: Path) -> None:
    assert opened(saved, split="training").split == "train"
    with pytest.raises(InputError, match="has no splits"):
        opened(saved, split="test")


def test_a_dictionary_of_splits(tmp_path: Path) -> None:
    write_saved_dataset(tmp_path / "train", PICTURES[:30])
    write_saved_dataset(tmp_path / "validation", PICTURES[30:])
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "validation"]}')
    assert TARGET.accepts(str(tmp_path))
    target = opened(tmp_path)
    assert (target.split, target.splits) == ("train", ("train", "validation"))
    assert len(target.samples) == 30
    assert len(opened(tmp_path, split="val").samples) == 10
    with pytest.raises(InputError, match="no split 'test'"):
        opened(tmp_path, split="test")


def test_splits_that_were_saved_one_by_one(tmp_path: Path) -> None:
    write_saved_dataset(tmp_path / "train", PICTURES[:30])
    write_saved_dataset(tmp_path / "test", PICTURES[30:])
    (tmp_path / "dataset_infos.json").touch()
    assert TARGET.accepts(str(tmp_path))
    assert (opened(tmp_path).split, opened(tmp_path).splits) == ("train", ("test", "train"))
    assert len(opened(tmp_path, split="test").samples) == 10


def test_one_file(saved: Path) -> None:
    file = saved / "data-00000-of-00002.arrow"
    assert TARGET.accepts(str(file))
    assert len(opened(file).samples) == 20


def test_files_that_the_state_does_not_name_are_said(saved: Path) -> None:
    (saved / "state.json").write_text(
        '{"_data_files": [{"filename": "data-00001-of-00002.arrow"}]}'
    )
    target = opened(saved)
    assert len(target.samples) == 20
    assert target.all_warnings == (
        "1 .arrow file not named in state.json left out, first 'data-00000-of-00002.arrow'",
    )


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("ARROW1\0\0", "no JSON"),
        ("[]", "holds no names"),
        ("{}", "names no .arrow file"),
        ('{"_data_files": 3}', "names no .arrow file"),
        ('{"_data_files": [3]}', "a name is text"),
        ('{"_data_files": [{"filename": "../x.arrow"}]}', "is a path"),
        ('{"_data_files": [{"filename": "gone.arrow"}]}', "lacks the file 'gone.arrow'"),
        ('{"_data_files": [], "_indices_data_files": [{"filename": "i.arrow"}]}', "selection of"),
    ],
)
def test_states_that_do_not_hold(saved: Path, state: str, says: str) -> None:
    (saved / "state.json").write_text(state)
    with pytest.raises(InputError, match=says) as caught:
        opened(saved)
    assert "save it anew" in caught.value.hint


@pytest.mark.parametrize("splits", [["../saved"], ["/etc"], ["a/b"], 3, [None]])
def test_splits_that_lead_away(saved: Path, splits: object) -> None:
    (saved / "dataset_dict.json").write_text(json.dumps({"splits": splits}))
    with pytest.raises(InputError) as caught:
        opened(saved)
    assert "dataset_dict.json" in caught.value.message


def test_damaged_files(saved: Path) -> None:
    file = saved / "data-00000-of-00002.arrow"
    whole = file.read_bytes()
    for content in (b"", b"ARROW1\0\0", whole[: len(whole) // 2]):
        file.write_bytes(content)
        with pytest.raises(InputError, match="cannot read"):
            opened(saved)
    (saved / "state.json").unlink()
    assert not TARGET.accepts(str(saved))
