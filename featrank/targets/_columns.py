"""Which column of a table is what: by the usual names, or by those that the user gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from featrank.errors import InputError
from featrank.registry import did_you_mean
from featrank.targets._file_names import printable
from featrank.targets._target import Access

# The names that a column goes by, the usual one first.
PATH_COLUMNS = ("path", "file", "file_name", "filename", "filepath", "image_path", "image")
LABEL_COLUMNS = ("label", "class", "class_name", "category", "target", "labels", "fine_label", "y")
SPLIT_COLUMNS = ("split", "subset", "partition")
GROUP_COLUMNS = ("group", "group_id")

# Columns of yes and no that tell a split, and the split of those that say yes and no.
_YES_NO = {
    **dict.fromkeys(("is_valid", "is_validation", "is_val", "valid"), ("val", "train")),
    **dict.fromkeys(("is_test", "is_testing", "is_test_image", "test"), ("test", "train")),
    **dict.fromkeys(
        ("is_train", "is_training", "is_training_image", "is_train_image", "train"),
        ("train", "test"),
    ),
}
# Others that may tell one.
_LIKE_SPLITS = (
    "set", "dataset", "data_set", "fold", "phase", "usage", "data_split", "split_set", "stage",
    "train_test", "kfold",
)  # fmt: skip
_YES = frozenset({"1", "1.0", "true", "yes", "t", "y"})
_NO = frozenset({"0", "0.0", "false", "no", "f", "n"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a table keeps what; None for what it has not.

    Attributes:
        path: The files.
        label: The classes; None where each class has a column of its own.
        split: The splits.
        group: What images belong to.
        one_hot: The columns of the classes, where each has one.
        unused: Columns that look like splits and are not used.
    """

    path: str
    label: str | None
    split: str | None = None
    group: str | None = None
    one_hot: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    def warnings(self) -> tuple[str, ...]:
        """What a user may want to use."""
        return tuple(
            f"the column '{printable(name)}' may tell a split and is not used: see"
            f" --split-column {printable(name)}"
            for name in self.unused
        )


def is_known(name: str) -> bool:
    """Whether a word is the usual name of a column."""
    lowered = name.strip().lower()
    return lowered in (*PATH_COLUMNS, *LABEL_COLUMNS, *SPLIT_COLUMNS, *GROUP_COLUMNS)


def find_columns(
    names: Sequence[str],
    spec: str,
    access: Access,
    guessed: Mapping[str, str | None] | None = None,
) -> Columns:
    """Where a table of paths keeps what.

    Args:
        names: Its columns.
        spec: The table, for messages.
        access: What the user asked for.
        guessed: What the columns without names are.

    Raises:
        InputError: It lacks a column.
    """
    guessed = guessed or {}

    def of(asked: str | None, kind: str, known: Sequence[str]) -> str | None:
        if asked is not None:
            return named_column(names, asked, f"--{kind}-column", spec)
        return guessed.get(kind) or find_optional(names, known)

    one_hot = tuple(
        named_column(names, name, "--label-columns", spec) for name in access.label_columns
    )
    path = of(access.path_column, "path", PATH_COLUMNS)
    label = None if one_hot else of(access.label_column, "label", LABEL_COLUMNS)
    split = of(access.split_column, "split", SPLIT_COLUMNS)
    for kind, found, known in (("path", path, PATH_COLUMNS), ("label", label, LABEL_COLUMNS)):
        if found is None and not (kind == "label" and one_hot):
            raise _lacking(names, known, kind, spec)
    alike = (name for name in names if name.strip().lower() in (*_YES_NO, *_LIKE_SPLITS))
    unused = tuple(name for name in alike if split is None and name not in (path, label, *one_hot))
    return Columns(
        path or "", label, split, of(access.group_column, "group", GROUP_COLUMNS), one_hot, unused
    )


def named_column(names: Sequence[str], asked: str, flag: str, spec: str) -> str:
    """The column that a user names.

    Raises:
        InputError: There is none.
    """
    if asked in names:
        return asked
    if (name := find_optional(names, (asked.strip().lower(),))) is not None:
        return name
    listing = ", ".join(map(printable, names)) or "none"
    raise InputError(
        f"{flag}: '{spec}' has no column '{printable(asked)}'; it has: {listing}",
        did_you_mean(asked, names, "name one of these"),
    )


def find_column(names: Sequence[str], known: Sequence[str], table: str, kind: str) -> str:
    """The column that is meant, whatever its case.

    Raises:
        InputError: There is none.
    """
    if (name := find_optional(names, known)) is not None:
        return name
    raise _lacking(names, known, kind, table)


def find_optional(names: Sequence[str], known: Sequence[str]) -> str | None:
    """As :func:`find_column`; None where there is none."""
    lowered = {name.strip().lower(): name for name in reversed(names)}
    return next((lowered[name] for name in known if name in lowered), None)


def _lacking(names: Sequence[str], known: Sequence[str], kind: str, table: str) -> InputError:
    listing = ", ".join(map(printable, names)) or "none"
    way = f"say which it is: --{kind}-column NAME; or name it {' or '.join(known[:3])}"
    if kind == "label":
        way += "; where each class has a column: --label-columns A,B,C"
    near = did_you_mean(known[0], names, "")
    return InputError(
        f"'{table}' has no column '{known[0]}'; it has: {listing}",
        f"{way}; {near}" if near else way,
    )


def split_of(value: str, column: str | None) -> str:
    """The split that a cell means: of columns of yes and no, by the column's name."""
    meant = _YES_NO.get((column or "").strip().lower())
    if meant and value.strip().lower() in _YES | _NO:
        return meant[0] if value.strip().lower() in _YES else meant[1]
    return value.strip()


def hot_labels(cells: Sequence[str], names: Sequence[str]) -> list[str]:
    """The classes whose cells say yes."""
    return [name for cell, name in zip(cells, names, strict=True) if _is_hot(cell)]


def _is_hot(cell: str) -> bool:
    text = cell.strip().lower()
    if text in _YES:
        return True
    try:
        return float(text) > 0.5  # a share of annotators, or 1.00
    except ValueError:
        return False
