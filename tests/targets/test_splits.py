from __future__ import annotations

from pathlib import Path

import pytest

from featrank.errors import InputError
from featrank.targets._splits import choose_split, refuse_split, split_files, split_meaning


def test_choosing() -> None:
    assert choose_split("t", (), None) is None
    assert choose_split("t", ("test", "train"), None) == "train"
    assert choose_split("t", ("validation", "train"), "val") == "validation"
    assert choose_split("t", ("fold1", "fold2"), "fold2") == "fold2"


@pytest.mark.parametrize(
    ("splits", "asked", "says"),
    [
        ((), "val", "has no splits"),
        (("fold1",), None, "no split 'train'"),
        (("valid", "validation"), "val", "may mean valid, validation"),
    ],
)
def test_no_choice(splits: tuple[str, ...], asked: str | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        choose_split("t", splits, asked)


def test_refusing() -> None:
    refuse_split("t", None)
    with pytest.raises(InputError, match="no split 'val'"):
        refuse_split("t", "val")


def test_files() -> None:
    train, test, other = Path("a/train-0.tar"), Path("a/test-0.tar"), Path("a/trainings.tar")
    assert split_files("t", [train, test], None) == ("train", [train])
    assert split_files("t", [train, test], "test") == ("test", [test])
    assert split_files("t", [train, other], None) == (None, [train, other])
    assert split_files("t", [test], None) == (None, [test])
    assert split_files("t", [test], "test") == ("test", [test])
    with pytest.raises(InputError, match="has no splits, so there is no split 'test'"):
        split_files("t", [other], "test")


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("train", "train"), ("Training", "train"), ("seg_train", "train"), ("trainset", "train"),
        ("VALID", "val"), ("validation-data", "val"), ("Testing", "test"), ("test_set", "test"),
        ("trains", ""), ("latest", ""), ("set", ""), ("", ""), ("train_2", ""), ("stratified", ""),
    ],
)  # fmt: skip
def test_meanings(name: str, meaning: str) -> None:
    assert split_meaning(name) == meaning
