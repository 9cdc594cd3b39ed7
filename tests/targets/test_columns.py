from __future__ import annotations

import pytest

from featrank.errors import InputError
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access
from featrank.targets._columns import (
    Columns,
    find_columns,
    find_optional,
    hot_labels,
    named_column,
    split_of,
)


def found(names: list[str], **asked: object) -> Columns:
    return find_columns(names, "a.csv", Access(FileHashes(), **asked))  # type: ignore[arg-type]


def test_usual_names_whatever_their_case() -> None:
    assert found(["Label", " PATH ", "Split", "group"]) == Columns(
        " PATH ", "Label", "Split", "group"
    )
    assert find_optional(["b", "a"], ["a", "b"]) == "a"


def test_names_that_are_given_come_first() -> None:
    columns = found(["path", "label", "breed"], label_column="breed")
    assert columns.label == "breed"
    assert found(["path", "A", "B"], label_columns=("A", "B")).one_hot == ("A", "B")


def test_what_a_table_lacks() -> None:
    with pytest.raises(InputError, match="no column 'path'; it has: x, label") as caught:
        found(["x", "label"])
    assert "--path-column" in caught.value.hint
    with pytest.raises(
        InputError, match=r"--group-column: 'a\.csv' has no column 'patiant'"
    ) as caught:
        found(["path", "label", "patient"], group_column="patiant")
    assert "patient" in caught.value.hint
    with pytest.raises(InputError, match="it has: Image Path, label") as caught:
        found(["Image Path", "label"])
    assert caught.value.hint.startswith("say which it is: --path-column NAME")
    assert named_column(["Patient"], "patient", "--group-column", "a.csv") == "Patient"


def test_columns_that_are_not_used_are_said() -> None:
    columns = found(["path", "label", "is_valid", "fold"])
    assert columns.unused == ("is_valid", "fold")
    assert all("--split-column" in warning for warning in columns.warnings())
    assert found(["path", "label", "fold"], split_column="fold").unused == ()
    assert found(["path", "label", "fold", "split"]).unused == ()


@pytest.mark.parametrize(
    ("value", "column", "split"),
    [
        ("True", "is_valid", "val"), ("0", "is_valid", "train"), ("1.0", "IS_TEST", "test"),
        ("1", "is_train", "train"), ("no", "is_training_image", "test"), ("1", "fold", "1"),
        (" a ", "split", "a"), ("maybe", "is_valid", "maybe"), ("x", None, "x"),
    ],
)  # fmt: skip
def test_the_split_that_a_cell_means(value: str, column: str | None, split: str) -> None:
    assert split_of(value, column) == split


def test_columns_of_yes_and_no() -> None:
    cells = ["1", "0", "1.0", "0.4", "0.6", "true", "", "x", "-1"]
    assert hot_labels(cells, list("abcdefghi")) == ["a", "c", "e", "f"]
