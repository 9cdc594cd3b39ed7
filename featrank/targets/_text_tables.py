"""Tables in text as people have them: any separator, any usual encoding, with a heading or not."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from featrank.errors import InputError
from featrank.storage.contained import ClaimError
from featrank.storage.kept_json import parse_json
from featrank.storage.named_files import open_regular
from featrank.targets._decode import IMAGE_SUFFIXES
from featrank.targets._file_names import printable
from featrank.targets._reach import refuse_unreachable
from featrank.targets._splits import split_meaning

# The suffixes that are read, each with its usual separator; `None` for lists of `path label`.
SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": None, ".jsonl": None}
_LINES_OF_JSON = ".jsonl"

_OTHERS = (",", ";", "\t", "|")
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
)  # fmt: skip
# Code pages that spreadsheets write where text is no UTF-8, by how common they are.
_CODE_PAGES = ("cp1252", "gb18030", "cp932", "cp949", "big5", "cp1251", "cp1250", "mac_roman")
_LARGEST = 1 << 30
_AN_OBJECT = "write one JSON object a line, with the path and the label"
_LONGEST_LINE = 1 << 20
_LOOKED_AT = 200

# Words that annotation exports put where a split is not decided.
_NO_SPLIT = frozenset({"unassigned", "all", ""})


@dataclass(frozen=True, slots=True)
class TextTable:
    """What a text says.

    Attributes:
        names: The columns' names; numbers from 1 where there is no heading.
        rows: A value a column; lines that are too short are filled with nothing.
        has_heading: Whether the first line names the columns.
        warnings: What was chosen in reading it, one line each.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    has_heading: bool = True
    warnings: tuple[str, ...] = ()


def read_text_table(
    file: Path, spec: str, known: Callable[[str], bool], is_there: Callable[[str], bool]
) -> TextTable:
    """Read a table of comma-separated values or its kin, or lines of JSON objects.

    Args:
        file: The table.
        spec: The same, for messages.
        known: Whether a word is the name of a column, rather than a value.
        is_there: Whether a value is the path of a file that exists.

    Raises:
        InputError: It cannot be read, or is no table.
    """
    try:
        with open_regular(file) as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        refuse_unreachable(spec, error)
        raise InputError(f"cannot read '{spec}': {error.strerror}") from error
    if len(data) > _LARGEST:
        raise InputError(f"'{spec}' is longer than {_LARGEST:,} bytes", "use Parquet")
    text, warnings = _decoded(data, spec, is_there)
    if file.suffix.lower() == _LINES_OF_JSON:
        return _objects(text, spec, warnings)
    usual = SEPARATORS[file.suffix.lower()]
    lines, separator = _lines(text, usual, spec, known)
    if not lines:
        return TextTable((), (), True, warnings)
    first = [cell.strip() for cell in lines[0]]
    if any(map(known, first)) or not _looks_like_a_row(first, is_there):
        names, rows = first, lines[1:]
    else:
        names, rows = [str(i) for i in range(1, len(first) + 1)], lines
    if _SAID.match(text):
        warnings = (*warnings, f"the first line of '{spec}', sep={separator}, is no row")
    elif separator is not None and separator != usual:
        warnings = (*warnings, f"the values of '{spec}' are separated by {separator!r}")
    width = len(names)
    filled = (tuple(row[:width]) + ("",) * (width - len(row)) for row in rows if any(row))
    return TextTable(tuple(names), tuple(filled), rows is not lines, warnings)


def _decoded(
    data: bytes, spec: str, is_there: Callable[[str], bool]
) -> tuple[str, tuple[str, ...]]:
    """The text, and what was guessed."""
    mark = next((name for start, name in _MARKS if data.startswith(start)), None)
    if mark is None and data[:_LOOKED_AT].count(0) * 3 > len(data[:_LOOKED_AT]):
        mark = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    if mark is not None:
        try:
            # Names need not be UTF-8.
            errors = "surrogateescape" if mark == "utf-8-sig" else "strict"
            text = data.decode(mark, errors)
        except UnicodeError as error:
            raise InputError(
                f"'{spec}' begins as {mark.upper()} and is none: {error}", "save it as UTF-8"
            ) from None
        wide = mark.removesuffix("-sig").upper()
        return text, () if wide == "UTF-8" else (f"'{spec}' was read as {wide}",)
    return _by_files(data, spec, is_there)


def _by_files(
    data: bytes, spec: str, is_there: Callable[[str], bool]
) -> tuple[str, tuple[str, ...]]:
    """The text in the encoding in which the paths that it names are there; UTF-8 before others."""
    text = data.decode("utf-8", "surrogateescape")
    if not _BEYOND_ASCII.search(text) or _n_files(text, is_there):
        return text, ()
    # Short words of other encodings may happen to be UTF-8, too.
    for name in _CODE_PAGES:
        try:
            other = data.decode(name)
        except UnicodeDecodeError:
            continue
        if _n_files(other, is_there):
            return other, (f"'{spec}' is no UTF-8 and was read as {name.upper()}",)
    if not _UNDECODED.search(text):
        return text, ()
    warning = (
        f"'{spec}' is no UTF-8, and no encoding could be told: names show other bytes as \\x..;"
        " save it as UTF-8"
    )
    return text, (warning,)


_UNDECODED = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile(r"[^\0-\x7f]")


def _n_files(text: str, is_there: Callable[[str], bool]) -> int:
    """How many values beyond ASCII are files, of the first lines that have some."""
    lines = [line for line in text.splitlines() if _BEYOND_ASCII.search(line)][:_LOOKED_AT]
    words = (word.strip(" \"'") for line in lines for word in re.split(r"[,;\t|]", line))
    return sum(is_there(word) for word in words if _BEYOND_ASCII.search(word))


# What spreadsheets write before a table whose separator is another.
_SAID = re.compile(r"\"?sep=(.)\"?\r?\n", re.IGNORECASE)


def _lines(
    text: str, usual: str | None, spec: str, known: Callable[[str], bool]
) -> tuple[list[list[str]], str | None]:
    """The cells of each line, and what separates them."""
    said = _SAID.match(text)
    if said:
        text, usual = text[said.end() :], said[1]
    choices = [usual, *(other for other in _OTHERS if other != usual)]
    heads = {choice: _first(text, choice) for choice in choices if choice is not None}

    def fits(choice: str) -> tuple[int, int]:
        cells = [cell.strip() for cell in heads[choice]]
        return sum(map(known, cells)), len(cells) if choice == usual or len(cells) > 1 else 0

    # The usual one is the first, and the first of the best is taken.
    best = max(heads, key=fits) if heads else None
    if said is None and usual is not None and len(heads[usual]) > 1 and fits(usual)[0]:
        best = usual
    if usual is None and best is not None and len(heads[best]) < 2:
        return [line.rsplit(None, 1) for line in text.splitlines() if line.strip()], None
    if best is None:
        return [], None
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=best, strict=True)
        return [row for row in rows if row], best
    except csv.Error as error:
        raise InputError(
            f"'{spec}' is no table of comma-separated values: {error}",
            "save it again as .csv: a quote is open, or a value is too long",
        ) from error


def _first(text: str, separator: str) -> list[str]:
    """The cells of the first line; none where it cannot be read so."""
    start = text.lstrip("\r\n")[:_LONGEST_LINE]
    try:
        return next(csv.reader(io.StringIO(start, newline=""), delimiter=separator), [])
    except csv.Error:
        return []


def _looks_like_a_row(cells: Sequence[str], is_there: Callable[[str], bool]) -> bool:
    """Whether a line holds the path of an image, and so is no heading."""
    return any(is_there(cell) or _has_image_suffix(cell) for cell in cells if cell)


def _has_image_suffix(cell: str) -> bool:
    return Path(cell.replace("\\", "/")).suffix.lower() in IMAGE_SUFFIXES


def _objects(text: str, spec: str, warnings: tuple[str, ...]) -> TextTable:
    """Lines of JSON objects: their keys are the columns."""
    objects: list[dict[str, object]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            document = parse_json(line.encode("utf-8", "surrogateescape"), _LONGEST_LINE)
        except ClaimError as error:
            raise InputError(f"line {number} of '{spec}' {error}", _AN_OBJECT) from None
        if not isinstance(document, dict):
            raise InputError(f"line {number} of '{spec}' is no JSON object", _AN_OBJECT)
        objects.append(document)
    names = list(dict.fromkeys(key for document in objects for key in document))
    rows = tuple(tuple(_cell(document.get(name)) for name in names) for document in objects)
    return TextTable(tuple(names), rows, True, warnings)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and len(value) == 1:
        return _cell(value[0])
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


def guess_columns(
    table: TextTable, spec: str, is_there: Callable[[str], bool]
) -> dict[str, str | None]:
    """Which column of a table without a heading is what: ``path``, ``label``, ``split``.

    Raises:
        InputError: Several could be the label.
    """
    columns = list(zip(*table.rows[:_LOOKED_AT], strict=True))

    def share(column: Sequence[str], fits: Callable[[str], bool]) -> float:
        filled = [cell.strip() for cell in column if cell.strip()]
        return sum(map(fits, filled)) / max(len(filled), 1)

    paths = [share(c, lambda cell: is_there(cell) or _has_image_suffix(cell)) for c in columns]
    place = paths.index(max(paths))
    splits = [
        i
        for i, column in enumerate(columns)
        if i != place and share(column, _is_split) == 1 and any(map(split_meaning, column))
    ]
    others = [i for i in range(len(columns)) if i not in (place, *splits[:1])]
    if len(others) != 1:
        shown = ", ".join(printable(cell) for cell in table.rows[0][:6])
        raise InputError(
            f"the first line of '{spec}' is no heading ({shown}), and which of its"
            f" {len(columns)} columns is the label cannot be told",
            "write a first line such as path,label; or name the columns by their number:"
            " --path-column 1 --label-column 2",
        )
    split = table.names[splits[0]] if splits else None
    return {"path": table.names[place], "label": table.names[others[0]], "split": split}


def _is_split(cell: str) -> bool:
    return bool(split_meaning(cell)) or cell.lower() in _NO_SPLIT


def texts(table: TextTable, name: str | None) -> Iterator[str]:
    """A column's values, and nothing for each row where there is no such column."""
    place = None if name is None else table.names.index(name)
    for row in table.rows:
        yield "" if place is None else row[place]
